"""Path gain: free space, a model of street level in cities, ray tracing, and libraries of gain maps."""
