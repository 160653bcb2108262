# SPDX-License-Identifier: GPL-2.0-or-later
"""Rules of the generic timers."""

from typing import Final

from kut_model.rules.rule import Rule

RULES: Final = (
    Rule(
        key="timer.compare",
        statement="The timer condition is met while the count less the offset is at least CVAL, as"
        " unsigned numbers.",
        section="D12.2.4, Operation of the CompareValue views of the timers",
        function="IsTimerConditionMet",
        matrix="V6",
    ),
    Rule(
        key="timer.tval",
        statement="A write of TVAL sets CVAL to the count plus 32 signed bits; a read is 32 bits.",
        section="D12.2.4, Operation of the TimerValue views of the timers",
        function="CNTV_TVAL_EL0",
        matrix="V6",
    ),
    Rule(
        key="timer.passing",
        statement="The condition is met from CVAL on, as time passes, until the count wraps.",
        section="D12.2.4, Operation of the CompareValue views of the timers",
        function="IsTimerConditionMet",
        matrix="V6",
    ),
    Rule(
        key="timer.offset",
        statement="A new CNTVOFF_EL2 or CNTPOFF_EL2 takes effect on a timer that is enabled.",
        section="D12.2.4; D24.10, CNTVOFF_EL2 and CNTPOFF_EL2",
        function="IsTimerConditionMet",
        matrix="V6",
    ),
    Rule(
        key="timer.count",
        statement="CNTVCT_EL0 is the count less CNTVOFF_EL2, except in a VHE host; CNTPCT_EL0 is"
        " the count less CNTPOFF_EL2 at EL1 and EL0 of a guest.",
        section="D12.1.2; D24.10, CNTVCT_EL0 and CNTPCT_EL0",
        function="CNTVCT_EL0",
        matrix="V6",
    ),
)
