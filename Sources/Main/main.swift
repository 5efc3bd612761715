print("fluxgraph")
