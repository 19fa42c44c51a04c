"""Path gains between the cells of a square map: free space, cities at street level, ray tracing.

Front door: `gain_maps.build(city, n)` makes a library of maps, `gain_library` keeps it in a file, and
`scene.scene(environment, n, library)` looks gains up.
"""
