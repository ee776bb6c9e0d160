"""Say what the published rules would decide, without deciding anything."""

from dataclasses import dataclass
from datetime import datetime

from services.dispatch.domain import grid as grid_codes
from services.dispatch.domain.routing import RoutingDecision, RoutingFacts
from services.dispatch.reference import ReferenceCache
from services.dispatch.use_cases.locate_grid import outside
from shared.db.unit_of_work import UnitOfWork
from shared.errors import FieldProblem, InvalidInput
from shared.vocabulary import AppealType, Channel, SpecialCare, Urgency


@dataclass(frozen=True, slots=True)
class PreviewRouting:
    """The area is given by its code or by a point; neither means that it is not known. No urgency: the category's."""

    type: AppealType
    category_code: str
    channel: Channel
    urgency: Urgency | None = None
    grid_code: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    special_care: frozenset[SpecialCare] = frozenset()
    at: datetime | None = None


async def preview_routing(uow: UnitOfWork, query: PreviewRouting, cache: ReferenceCache) -> RoutingDecision:
    """Decide as the dispatcher would at `at` (now if None).

    Raises InvalidInput for a category that does not exist, NotFound for a point outside of the service area.
    """
    data = await cache.current(uow)
    at = query.at or uow.now
    category = data.categories.get(query.category_code)
    if category is None:
        raise InvalidInput(
            f"There is no category {query.category_code}",
            [FieldProblem("/category_code", "is not a known category")],
        )
    grid_code = query.grid_code
    if grid_code is not None:
        grid_code = grid_codes.parse_code(grid_code)
    elif query.longitude is not None and query.latitude is not None:
        grid_code = data.locate(query.longitude, query.latitude, at)
        if grid_code is None:
            raise outside(data, query.longitude, query.latitude, at)
    else:
        grid_code = data.unknown_grid_code
    return data.route(
        RoutingFacts(
            type=query.type,
            category_code=query.category_code,
            urgency=query.urgency or category.default_urgency or Urgency.P3,
            channel=query.channel,
            grid_code=grid_code,
            special_care=query.special_care,
            at=at,
        )
    )
