"""What may be odd about a column's values, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from lawful.ir import Text

NO_ID: Final = Text("rows without an id", "缺少帐号标识的行")
NO_NAME: Final = Text("values that are no ids", "不能作为帐号标识的值")
NO_EVENT: Final = Text("nothing where an event must be", "缺少事件")
NO_INSTANT: Final = Text("nothing where an instant must be", "缺少时间")
NOT_GIVEN: Final = (NO_ID, NO_EVENT, NO_INSTANT)
NO_DATES: Final = Text("timestamps where dates should be", "应为日期处是时间戳")
NOT_MAPPED: Final = Text("values that the mapping does not have", "映射中没有的值")
NO_TRUTH: Final = Text("values that are neither `true` nor `false`", "既非 `true` 也非 `false` 的值")
NOT_WHOLE: Final = Text("numbers that are not whole, or too large", "不是整数或过大的数")
NO_NUMBERS: Final = Text("texts that are no whole numbers", "不是整数的文本")
TOO_LARGE: Final = Text("numbers outside 64 bits", "超出64位的整数")
YEARS_OF_DATES: Final = Text("dates outside the years 1 to 9999", "年份不在1至9999之间的日期")
YEARS_OF_INSTANTS: Final = Text("instants outside the years 1 to 9999", "年份不在1至9999之间的时间")
NO_INSTANTS: Final = Text("values that are no such instants", "不是此类时间的值")
_KINDS: Final[Mapping[str, Text]] = {
    "bool": Text("truth values", "真假值"),
    "int": Text("whole numbers", "整数"),
    "string": Text("texts", "文本"),
    "enum": Text("texts", "文本"),
    "date": Text("dates", "日期"),
    "timestamp": Text("timestamps", "时间戳"),
    "set": Text("lists", "列表"),
}
TEXTS_OR_NUMBERS: Final = Text("texts or whole numbers", "文本或整数")


def outside(of: Text) -> Text:
    """`of` is what the values should be of: the enum, the set, the features."""
    return Text(f"values outside {of.en}", f"不在{of.zh}中的值")


OF_THE_ENUM: Final = outside(Text("the enum", "枚举"))
THE_SET: Final = Text("the set", "集合")
THE_FEATURES: Final = Text("the policy's features", "策略的功能")
NO_EVENTS_OF_IT: Final = Text("values that are no events of the policy", "不是策略事件的值")


def no_dates(sample: str) -> Text:
    return Text(f"texts that are no dates such as `{sample}`", f"不是 `{sample}` 这样的日期的文本")


def no_timestamps(sample: str) -> Text:
    return Text(f"texts that are no timestamps such as `{sample}`", f"不是 `{sample}` 这样的时间戳的文本")


def no_such_times(zone: str) -> Text:
    return Text(f"local times that do not exist in {zone}", f"{zone}不存在的当地时间")


def below(least: str) -> Text:
    return Text(f"values below the least, {least}", f"小于最小值{least}的值")


def above(most: str) -> Text:
    return Text(f"values above the most, {most}", f"大于最大值{most}的值")


def of_wrong_type(found: Text, wanted: Text) -> Text:
    return Text(f"{found.en} where {wanted.en} should be", f"应为{wanted.zh}处是{found.zh}")


def kind(name: str) -> Text:
    """What people call values of a type of the language."""
    return _KINDS[name]


def called(given: Any) -> Text:
    """What people call values of a type that Ibis has."""
    for is_so, name in (
        (given.is_boolean(), _KINDS["bool"]),
        (given.is_integer(), _KINDS["int"]),
        (given.is_numeric(), Text("numbers", "数字")),
        (given.is_date(), _KINDS["date"]),
        (given.is_timestamp(), _KINDS["timestamp"]),
        (given.is_time(), Text("times of day", "时刻")),
        (given.is_string(), _KINDS["string"]),
        (given.is_array(), _KINDS["set"]),
        (given.is_struct() or given.is_map() or given.is_json(), Text("objects", "对象")),
    ):
        if is_so:
            return name
    return Text("values of another kind", "其他类型的值")
