"""From a question to a decision: which rules are asked, what their outcomes come to, and how that is explained."""
