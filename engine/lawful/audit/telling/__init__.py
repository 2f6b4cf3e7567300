"""How an audit's results are told: to people on the terminal and in a report, to pipelines, to other programs.

All of it is made from the `Summary` and from a few findings read out of their file; nothing here judges anything.
"""
