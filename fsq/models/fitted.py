"""Feature names of a fitted model, according to its library."""

from __future__ import annotations

from typing import Any, TypeAlias

from fsq.errors import InputError, short

Names: TypeAlias = tuple[str, ...]
HEADLINE = "the model cannot be checked"
FIT_WITH_NAMES = "fit it on a frame with named columns, or pass the names in its order"


def read_fitted(model: Any) -> Names:
    """Feature names of a fitted model, according to its library.

    Raises:
        InputError: it is not fitted, or on columns without names.
    """
    roots = {base.__module__.partition(".")[0] for base in type(model).__mro__}
    kind = type(model).__name__
    try:
        if "catboost" in roots:
            names = model.feature_names_
        elif "lightgbm" in roots:
            names = model.feature_name() if hasattr(model, "num_trees") else model.feature_name_
        elif "xgboost" in roots:
            booster = model.get_booster() if hasattr(model, "get_booster") else model
            names = booster.feature_names or name_columns(booster.num_features(), kind)
        elif hasattr(model, "n_features_in_") and not hasattr(model, "feature_names_in_"):
            names = name_columns(int(model.n_features_in_), kind)
        else:
            names = model.feature_names_in_
    except InputError:
        raise
    except Exception as error:  # libraries raise different errors for an unfitted model
        cause = short(error, 300)
        problem = f"{kind}: does not say which features it reads ({cause}); {FIT_WITH_NAMES}"
        raise InputError([problem], HEADLINE) from error
    return () if names is None else tuple(str(n) for n in names)


def name_columns(count: int, what: str) -> Names:
    """Refuse a model whose columns have no names, as when it was fitted on NumPy.

    Raises:
        InputError: there are columns.
    """
    if count == 0:
        return ()
    columns = f"{count} column{'s' if count != 1 else ''}"
    problem = f"{what}: was fitted on {columns} without names, such as NumPy's"
    raise InputError([f"{problem}; {FIT_WITH_NAMES}"], HEADLINE)
