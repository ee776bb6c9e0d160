"""The sentences a citizen reads on the way, in English and Chinese: one code each, no internal fact of a department."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from shared.vocabulary import AppealStatus, Stage, stage_of


class EntryCode(StrEnum):
    """What kind of step of registering, dispatching or asking back an entry tells; these are stored as they arrive."""

    REGISTERED = "registered"
    ACCEPTED = "accepted"
    FINDING_DEPARTMENT = "finding_department"
    DISPATCHED = "dispatched"
    ACKNOWLEDGED = "acknowledged"
    CONTACTED = "contacted"
    PROGRESS = "progress"
    RESPONSIBILITY_CHECKED = "responsibility_checked"
    DEPARTMENT_CHANGES = "department_changes"
    DEPARTMENT_CONFIRMED = "department_confirmed"
    HANDLED = "handled"
    MORE_WORK_NEEDED = "more_work_needed"
    RESULT_CONFIRMED = "result_confirmed"
    CALLBACK_PLANNED = "callback_planned"
    CLOSED = "closed"
    HANDLED_AGAIN = "handled_again"
    REDO_STARTED = "redo_started"
    ON_LEDGER = "on_ledger"
    ON_RECORD = "on_record"


class StepCode(StrEnum):
    """What kind of move of intake's own an entry tells; read from the history, never stored as a line."""

    ANSWERED = "answered"
    HANDED_OVER = "handed_over"
    HAND_OVER_RESULT = "hand_over_result"
    REFERRED = "referred"
    NOT_ACCEPTED = "not_accepted"
    WITHDRAWN = "withdrawn"
    URGED = "urged"
    PAPERS_REQUESTED = "papers_requested"
    PAPERS_RECEIVED = "papers_received"
    PAPERS_COMPLETE = "papers_complete"
    PAPERS_REMINDED = "papers_reminded"
    PAPERS_NEVER_CAME = "papers_never_came"


AnyCode = EntryCode | StepCode


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    code: AnyCode
    status: AppealStatus
    round: int
    text_en: str
    text_zh: str

    @property
    def stage(self) -> Stage:
        return stage_of(self.status)


_TEXTS: Final[Mapping[AnyCode, tuple[str, str]]] = {
    EntryCode.REGISTERED: ("Your appeal has been registered.", "您的诉求已登记。"),
    EntryCode.ACCEPTED: (
        "Your appeal has been accepted and is being sent to the department in charge.",
        "您的诉求已受理，正在派发至承办单位。",
    ),
    EntryCode.FINDING_DEPARTMENT: (
        "The hotline office is deciding which department is in charge.",
        "热线工作机构正在确定承办单位。",
    ),
    EntryCode.DISPATCHED: ("Sent to {department}.", "已派发至{department}。"),
    EntryCode.ACKNOWLEDGED: ("The department in charge has received it.", "承办单位已签收。"),
    EntryCode.CONTACTED: ("The department in charge has contacted you.", "承办单位已与您联系。"),
    EntryCode.PROGRESS: ("{note}", "{note}"),
    EntryCode.RESPONSIBILITY_CHECKED: (
        "The hotline office is checking which department is in charge.",
        "热线工作机构正在核实承办单位。",
    ),
    EntryCode.DEPARTMENT_CHANGES: ("Another department will take it on.", "将改由其他单位承办。"),
    EntryCode.DEPARTMENT_CONFIRMED: ("The department goes on handling it.", "由原承办单位继续办理。"),
    EntryCode.HANDLED: (
        "The department has finished handling; the hotline office is checking the result.",
        "承办单位已办理完毕，热线工作机构正在审核。",
    ),
    EntryCode.MORE_WORK_NEEDED: (
        "The hotline office has asked the department to do more.",
        "热线工作机构要求承办单位继续办理。",
    ),
    EntryCode.RESULT_CONFIRMED: ("The result has been confirmed. {reply}", "办理结果已审核通过。{reply}"),
    EntryCode.CALLBACK_PLANNED: ("We will ask you how it went.", "我们将对您进行回访。"),
    EntryCode.CLOSED: ("The case is closed.", "已结案。"),
    EntryCode.HANDLED_AGAIN: (
        "You were not satisfied: it will be handled again.",
        "您对办理结果不满意，将重新办理。",
    ),
    EntryCode.REDO_STARTED: ("{department} is handling it again.", "{department}正在重新办理。"),
    EntryCode.ON_LEDGER: (
        "It cannot be solved yet; it stays on our list and is reviewed by {date}.",
        "暂时无法解决，已列入跟踪台账，将于{date}前复核。",
    ),
    EntryCode.ON_RECORD: ("Taken over from earlier records.", "由历史记录转入。"),
    StepCode.ANSWERED: ("Our answer: {text}", "答复：{text}"),
    StepCode.HANDED_OVER: ("Handed over at once to {service_en}.", "已立即移交{service_zh}处理。"),
    StepCode.HAND_OVER_RESULT: ("What {service_en} told us: {text}", "{service_zh}反馈：{text}"),
    StepCode.REFERRED: (
        "This is not ours to handle. {text} Please turn to {target}.",
        "该事项不属于我方受理范围。{text} 请向{target}反映。",
    ),
    StepCode.NOT_ACCEPTED: ("Not accepted: {ground_en} {text}", "不予受理：{ground_zh}{text}"),
    StepCode.WITHDRAWN: ("The appeal was withdrawn.", "诉求已撤回。"),
    StepCode.PAPERS_REQUESTED: (
        "Please bring or send by {date}: {papers_en}. {note}",
        "请于{date}前补充以下材料：{papers_zh}。{note}",
    ),
    StepCode.PAPERS_RECEIVED: ("Received. Still missing: {papers_en}.", "已收到部分材料，尚缺：{papers_zh}。"),
    StepCode.PAPERS_COMPLETE: (
        "Everything that was asked for has come; handling goes on.",
        "所需材料已补齐，继续办理。",
    ),
    StepCode.PAPERS_REMINDED: (
        "A reminder: still missing by {date}: {papers_en}.",
        "温馨提醒：请于{date}前补充：{papers_zh}。",
    ),
    StepCode.PAPERS_NEVER_CAME: (
        "What was asked for did not come in time, so the appeal has ended. You may file it again.",
        "未在期限内收到所需材料，本诉求已终止，您可以重新提交。",
    ),
    StepCode.URGED: ("You asked again; we have passed it on.", "已收到您的催办，我们已转达。"),
}

# The same steps for readers who may not see what was written to the citizen.
_WORDLESS: Final[Mapping[StepCode, tuple[str, str]]] = {
    StepCode.PAPERS_REQUESTED: ("Papers are awaited.", "等待补充材料。"),
    StepCode.PAPERS_RECEIVED: ("Some of the papers have come.", "已收到部分材料。"),
    StepCode.PAPERS_REMINDED: ("The citizen was reminded of the papers.", "已提醒补充材料。"),
    StepCode.ANSWERED: ("The hotline office has answered.", "热线工作机构已答复。"),
    StepCode.HAND_OVER_RESULT: ("The result of the hand-over is on record.", "移交处理结果已记录。"),
    StepCode.REFERRED: ("Referred to the body in charge.", "已告知向有权处理的机构反映。"),
    StepCode.NOT_ACCEPTED: ("Not accepted.", "不予受理。"),
}


def wordless(code: StepCode, status: AppealStatus) -> Entry:
    """Return the entry of a step without anything that was written."""
    english, chinese = _WORDLESS[code]
    return Entry(code, status, 1, english, chinese)


def entry(code: AnyCode, status: AppealStatus, round_: int = 1, **facts: str) -> Entry:
    """Return the entry with its sentences filled in; a fact is put in as it is, never read as a format."""
    english, chinese = _TEXTS[code]
    for name, value in facts.items():
        english = english.replace(f"{{{name}}}", value)
        chinese = chinese.replace(f"{{{name}}}", value)
    return Entry(code, status, round_, english.strip(), chinese.strip())
