"""The raster over the service area gives the polygon's own answer for every point, the boundary included."""

import shapely
from hypothesis import given
from hypothesis import strategies as st

from services.intake.db.catalogue import PolygonArea

L_SHAPE = {
    "type": "Polygon",
    "coordinates": [
        [[0, 0], [10, 0], [10, 3.3], [4.7, 3.3], [4.7, 9], [0, 9], [0, 0]],
        [[1, 1], [2, 1], [1.5, 2], [1, 1]],
    ],
}  # fmt: skip
TWO = {
    "type": "MultiPolygon",
    "coordinates": [[[[0, 0], [1, 0], [0, 1], [0, 0]]], [[[5, 5], [9, 5], [9, 6], [5, 5]]]],
}
coordinates = st.floats(-1, 11) | st.sampled_from([0.0, 1.0, 1.5, 2.0, 3.3, 4.7, 5.0, 6.0, 9.0, 10.0])


@given(st.sampled_from([L_SHAPE, TWO]), coordinates, coordinates)
def test_the_raster_answers_as_the_polygon_does(geojson: dict[str, object], longitude: float, latitude: float) -> None:
    exact = bool(shapely.intersects_xy(shapely.geometry.shape(geojson), longitude, latitude))

    assert PolygonArea(geojson).contains(longitude, latitude) is exact
