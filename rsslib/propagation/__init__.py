"""Path gains between the cells of a square map: free space, cities at street level, ray tracing.

Front door: `gain_maps.build(city, n)` makes a library of maps, `scene.scene(environment, n, library)` looks gains up.
"""
