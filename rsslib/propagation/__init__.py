"""Path gains between the cells of a square map: free space, cities at street level, ray tracing.

Front door: `gains.build(city, n)` makes a library of gain maps, `scene.scene(environment, n, library)` looks gains up.
"""
