# Copyright (c) 2026 GreenLang. All rights reserved.
"""When a CronJob's schedule was due. Pure. The clock is passed in."""

from __future__ import annotations

import datetime
import re

_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_BOUNDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))  # minute, hour, day, month, weekday
_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]
_WEEKDAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]
_NAMES: tuple[dict[str, int], ...] = (
    {},
    {},
    {},
    {name: number for number, name in enumerate(_MONTHS, 1)},
    {name: number for number, name in enumerate(_WEEKDAYS)},
)
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_DAYS = 366 * 8  # back to which is looked: a 29th of February may be so long ago
_ANY = "*?"


def last_due(schedule: str, now: datetime.datetime, count: int) -> list[datetime.datetime]:
    """The last times at which it was due, `now` among them if it is one, the latest first; fewer than `count` where it
    is that rare. Empty for what is no schedule. `now` is in the schedule's time zone, and so are they."""
    text = schedule.strip().lower()
    every = re.fullmatch(r"@every ((?:\d+(?:\.\d+)?[hms])+)", text)
    try:
        if every:
            period = _seconds(every[1])
            return [now - datetime.timedelta(seconds=period * number) for number in range(count)] if period else []
        fields = _MACROS.get(text, text).split()
        sets = [_values(field, *bounds, names) for field, bounds, names in zip(fields, _BOUNDS, _NAMES, strict=True)]
    except ValueError:
        return []
    # As cron has it: of day and weekday one is enough where both are said.
    either = fields[2][0] not in _ANY and fields[4][0] not in _ANY
    return _back(sets, either, now, count)


def _back(sets: list[set[int]], either: bool, now: datetime.datetime, count: int) -> list[datetime.datetime]:
    minutes, hours, days, months, weekdays = sets
    weekdays = {day % 7 for day in weekdays}
    found: list[datetime.datetime] = []
    for back in range(_DAYS):
        day = now - datetime.timedelta(days=back)
        by_date, by_weekday = day.day in days, day.isoweekday() % 7 in weekdays
        if day.month not in months or not (by_date or by_weekday if either else by_date and by_weekday):
            continue
        for hour in sorted(hours, reverse=True):
            for minute in sorted(minutes, reverse=True):
                moment = day.replace(hour=hour, minute=minute, second=0, microsecond=0)
                if moment <= now:
                    found.append(moment)
                    if len(found) == count:
                        return found
    return found


def _values(field: str, least: int, most: int, names: dict[str, int]) -> set[int]:
    """ValueError for what no field can be."""
    found: set[int] = set()
    for part in field.split(","):
        span, _slash, step = part.partition("/")
        if span in _ANY:
            first, last = least, most
        else:
            begin, dash, end = span.partition("-")
            first = _number(begin, names)
            last = _number(end, names) if dash else (most if step else first)
        if not least <= first <= last <= most:
            raise ValueError(part)
        found.update(range(first, last + 1, int(step or 1)))
    return found


def _number(text: str, names: dict[str, int]) -> int:
    return names[text] if text in names else int(text)


def _seconds(text: str) -> float:
    return sum(float(number) * _UNITS[unit] for number, unit in re.findall(r"(\d+(?:\.\d+)?)([hms])", text))
