// A program with a graph of its own, or with commands of this one, needs no second import.
@_exported public import FluxGraphHost
