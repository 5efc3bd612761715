import FluxGraphCLI

FluxGraphCLI.main()
