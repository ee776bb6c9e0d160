"""What goes in and out of the grid registry's endpoints."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from services.dispatch.api.registry_fields import Code, Day, GridCode
from services.dispatch.domain.grid import DutyHolder, Grid, StoredGrid, parent_of
from services.dispatch.geometry import geojson_of, shape_from_geojson
from services.dispatch.use_cases.import_grids import GridImport
from services.dispatch.use_cases.locate_grid import LocatedGrid
from shared.http.text import Input, Line, Output

MAX_FEATURES = 40_000


class Geometry(BaseModel):
    """A GeoJSON polygon, longitude first, WGS-84."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["Polygon", "MultiPolygon"]
    coordinates: Annotated[list[Any], Field(min_length=1, max_length=100_000)]


class DutyHolderInput(Input):
    """Who answers for a grid: what the public notice shows."""

    post: Annotated[str, Line(60)]
    name: Annotated[str, Line(60)]
    department_code: Code | None = None
    valid_from: Day | None = None
    valid_to: Day | None = None

    def to_holder(self) -> DutyHolder:
        return DutyHolder(self.post, self.name, self.department_code, self.valid_from, self.valid_to)


class GridInput(Input):
    """The whole entry; what is left out becomes empty. `valid_to` is the first day on which it no longer exists."""

    name: Annotated[str, Line(200)]
    valid_from: Day | None = None
    valid_to: Day | None = None
    predecessors: Annotated[tuple[GridCode, ...], Field(max_length=50)] = ()
    duty_holders: Annotated[tuple[DutyHolderInput, ...], Field(max_length=50)] = ()
    geometry: Geometry | None = None

    def to_grid(self, code: str) -> StoredGrid:
        """Raises InvalidInput for an outline that encloses no area."""
        shape = None if self.geometry is None else shape_from_geojson(self.geometry.model_dump())
        grid = Grid(
            code=code,
            name=self.name,
            valid_from=self.valid_from,
            valid_to=self.valid_to,
            predecessors=self.predecessors,
            duty_holders=tuple(holder.to_holder() for holder in self.duty_holders),
        )
        return StoredGrid(grid, None if shape is None else shape.wkb)


class FeatureProperties(BaseModel):
    """Drawing software adds attributes of its own; they are ignored. The code is text, never a number."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    code: GridCode
    name: Annotated[str, Line(200)]
    valid_from: Day | None = None
    valid_to: Day | None = None
    predecessors: Annotated[tuple[GridCode, ...], Field(max_length=50)] = ()
    duty_holders: Annotated[tuple[DutyHolderInput, ...], Field(max_length=50)] = ()


class Feature(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["Feature"]
    properties: FeatureProperties
    geometry: Geometry | None = None

    def to_grid(self, pointer: str) -> tuple[StoredGrid, bool]:
        """The grid, and whether its rings were repaired. Raises InvalidInput with `pointer` in front."""
        shape = None if self.geometry is None else shape_from_geojson(self.geometry.model_dump(), f"{pointer}/geometry")
        said = self.properties
        grid = Grid(
            code=said.code,
            name=said.name,
            valid_from=said.valid_from,
            valid_to=said.valid_to,
            predecessors=said.predecessors,
            duty_holders=tuple(holder.to_holder() for holder in said.duty_holders),
        )
        return StoredGrid(grid, None if shape is None else shape.wkb), shape is not None and shape.repaired


class FeatureCollection(BaseModel):
    """GeoJSON (RFC 7946) with the grid's `code` and `name` among the properties of each feature."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    type: Literal["FeatureCollection"]
    features: Annotated[list[Feature], Field(min_length=1, max_length=MAX_FEATURES)]


class DutyHolderView(Output):
    post: str
    name: str
    department_code: str | None
    valid_from: date | None
    valid_to: date | None

    @classmethod
    def of(cls, holder: DutyHolder) -> "DutyHolderView":
        return cls(
            post=holder.post,
            name=holder.name,
            department_code=holder.department_code,
            valid_from=holder.valid_from,
            valid_to=holder.valid_to,
        )


class GridSummary(Output):
    code: str
    name: str
    level: int
    parent_code: str | None
    special: bool
    valid_from: date | None
    valid_to: date | None
    predecessors: list[str]
    duty_holders: list[DutyHolderView]
    has_geometry: bool
    version: int

    @classmethod
    def fields_of(cls, item: StoredGrid) -> dict[str, Any]:
        grid = item.grid
        return {
            "code": grid.code,
            "name": grid.name,
            "level": grid.level,
            "parent_code": parent_of(grid.code),
            "special": grid.is_special,
            "valid_from": grid.valid_from,
            "valid_to": grid.valid_to,
            "predecessors": list(grid.predecessors),
            "duty_holders": [DutyHolderView.of(holder) for holder in grid.duty_holders],
            "has_geometry": item.wkb is not None,
            "version": grid.version,
        }

    @classmethod
    def of(cls, item: StoredGrid) -> "GridSummary":
        return cls(**cls.fields_of(item))


class GridView(GridSummary):
    geometry: dict[str, Any] | None = Field(description="GeoJSON Polygon or MultiPolygon.")

    @classmethod
    def of(cls, item: StoredGrid) -> "GridView":
        return cls(**cls.fields_of(item), geometry=None if item.wkb is None else geojson_of(item.wkb))


class FlawView(Output):
    """A gap in a parent or an overlap of two neighbours, with a point in the middle of it."""

    kind: Literal["gap", "overlap"]
    codes: list[str]
    square_metres: float
    longitude: float
    latitude: float


class ImportView(Output):
    created: int
    replaced: int
    unchanged: int
    repaired: list[str] = Field(description="Grids whose rings crossed themselves or were open.")
    missing_parents: list[str]
    flaws: list[FlawView]
    dry_run: bool

    @classmethod
    def of(cls, done: GridImport, repaired: list[str], *, dry_run: bool) -> "ImportView":
        return cls(
            created=done.created,
            replaced=done.replaced,
            unchanged=done.unchanged,
            repaired=repaired,
            missing_parents=list(done.missing_parents),
            flaws=[
                FlawView.model_validate(
                    {
                        "kind": flaw.kind,
                        "codes": list(flaw.codes),
                        "square_metres": flaw.square_metres,
                        "longitude": flaw.longitude,
                        "latitude": flaw.latitude,
                    }
                )
                for flaw in done.flaws
            ],
            dry_run=dry_run,
        )


class LocatedView(Output):
    grid_code: str
    name: str
    grid_path: list[str] = Field(description="From the smallest area to the largest.")
    duty_grid_code: str | None = Field(description="Where the duty holder was found: here, or above.")
    duty_holder: DutyHolderView | None

    @classmethod
    def of(cls, found: LocatedGrid) -> "LocatedView":
        return cls(
            grid_code=found.grid_code,
            name=found.name,
            grid_path=list(found.grid_path),
            duty_grid_code=found.duty_grid_code,
            duty_holder=None if found.duty_holder is None else DutyHolderView.of(found.duty_holder),
        )
