"""Path gains between the cells of a square map: in free space, at street level in cities, and by ray tracing.

Front door: `gains.build(city, n)` makes a library of gain maps, `scene.scene(environment, n, library)` looks gains up.
"""
