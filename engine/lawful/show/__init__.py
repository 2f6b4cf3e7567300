"""A program for people to read: in words, as a diagram, as it is. Who tells a reason needs its words alone."""
