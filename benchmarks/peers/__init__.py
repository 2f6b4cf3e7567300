"""lawful and its peers: the same rules, the same requests, one machine, one run. See benchmarks/README.md."""
