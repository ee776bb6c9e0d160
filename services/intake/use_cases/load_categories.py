"""What loads a city's categories and service area calls: the same use cases as the API's, under the loader's names."""

from services.intake.domain.categories import Category
from services.intake.use_cases.edit_categories import load_categories, put_service_area

__all__ = ["Category", "load_categories", "put_service_area"]
