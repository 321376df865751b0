"""Check digits: right by the published examples, and in numbers that nobody has."""

import numpy as np
import pytest
from fiubench.builder.values.base import VALUE_TYPES, Drawing
from fiubench.builder.values.check_digits import CHECKS
from fiubench.support.errors import PackError

CODE = VALUE_TYPES["code"]


@pytest.mark.parametrize(
    ("check", "number", "digits"),
    [
        ("luhn", "7992739871*", "3"),
        ("luhn", "453914880343646*", "7"),
        ("luhn", "4*39148803436467", "5"),  # not the last one
        ("iban", "DE**370400440532013000", "89"),
        ("iban", "GB**WEST12345698765432", "82"),
        ("iban", "NO**86011117947", "93"),
        ("vin", "1M8GDM9A*KP042788", "X"),
        ("vin", "11111111*11111111", "1"),
    ],
)
def test_published_examples(check, number, digits):
    assert CHECKS[check].fill(number) == digits


def luhn_holds(number):
    doubled = [int(c) * (2 if place % 2 else 1) for place, c in enumerate(reversed(number))]
    return sum(n - 9 * (n > 9) for n in doubled) % 10 == 0


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({"pattern": "0000 #### #### ###*", "check": "luhn"}, lambda n: luhn_holds(n.replace(" ", ""))),
        ({"pattern": "##*##", "check": "luhn"}, luhn_holds),
        (
            {"pattern": "XX** AAAA #### #### ##", "check": "iban"},
            lambda n: int("".join(str(int(c, 36)) for c in (n.replace(" ", "")[4:] + n[:4]))) % 97 == 1,
        ),
        ({"pattern": "1ZZ##AA#*0AA#####", "check": "vin"}, lambda n: CHECKS["vin"].fill(n[:8] + "*" + n[9:]) == n[8]),
    ],
)
def test_every_code_has_its_check_digits_and_nobody_has_another_ones(options, right):
    CODE.check_options(options, "here")
    made = CODE.generate(Drawing(1, "x", np.arange(300), options))
    assert len(set(made)) == 300
    assert all(map(right, made))
    assert not any("I" in code or "O" in code for code in made)


@pytest.mark.parametrize(
    ("pattern", "check", "hint"),
    [
        ("4539 #### #### ###*", "luhn", "begins with 0000"),
        ("#### #### #### ###*", "luhn", "begins with 0000"),
        ("AB##*", "luhn", "digits alone"),
        ("######", "luhn", "wants * once"),
        ("0000 ##** ####", "luhn", "wants * once"),
        ("DE** 3704 #### #### #### ##", "iban", "0, as no German bank code does"),
        ("DE** 0### ####", "iban", "11 to 30 signs"),
        ("GB** WEST #### #### #### ##", "iban", "a country that nobody is"),
        ("XX## #### **## #### ####", "iban", "behind the country"),
        ("##** #### #### #### ####", "iban", "two letters for a country"),
        ("1M8GDM9A*KP0#####", "vin", "no model year"),
        ("1ZZ##AA#0*AA#####", "vin", "the ninth *"),
        ("1ZZ##IA#*0AA#####", "vin", "letters but I, O and Q"),
    ],
)
def test_a_pattern_that_may_make_somebodys_number_is_refused(pattern, check, hint):
    with pytest.raises(PackError) as told:
        CODE.check_options({"pattern": pattern, "check": check}, "here")
    assert hint in told.value.hint
