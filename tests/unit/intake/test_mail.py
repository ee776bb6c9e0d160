"""A mail is read as an appeal: its words, its sender, and whether a person wrote it."""

from datetime import UTC, datetime
from email.message import EmailMessage

import pytest

from services.intake.domain.mail import read_mail
from shared.errors import InvalidInput
from shared.vocabulary import Channel

NOW = datetime(2026, 3, 2, 1, 0, tzinfo=UTC)


def mail(text: str = "三号楼前的路灯不亮。", **headers: str) -> EmailMessage:
    message = EmailMessage()
    for name, value in {
        "From": "王小明 <xiaoming@example.org>",
        "To": "12345@city.example",
        "Subject": "路灯不亮",
        "Message-ID": "<a1@example.org>",
        "Date": "Mon, 02 Mar 2026 08:30:00 +0800",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }.items():
        message[name] = value
    message.set_content(text)
    return message


def test_a_mail_is_an_appeal_of_its_sender() -> None:
    submission = read_mail(bytes(mail())).submission(now=NOW)

    assert submission.reporter is not None
    assert (submission.channel, submission.title) == (Channel.EMAIL, "路灯不亮")
    assert submission.description == "三号楼前的路灯不亮。"
    assert (submission.reporter.name, submission.reporter.email) == ("王小明", "xiaoming@example.org")
    assert submission.received_at == datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    assert submission.external_ref is not None
    assert (submission.external_ref.system, submission.external_ref.id) == ("email", "<a1@example.org>")


def test_a_date_in_the_future_is_not_believed() -> None:
    message = mail(Date="Mon, 02 Mar 2099 08:30:00 +0800")
    assert read_mail(bytes(message)).submission(now=NOW).received_at == NOW


@pytest.mark.parametrize("subject", ["Re: 路灯不亮", "回复：路灯不亮", "FW: Re: 转发: 路灯不亮"])
def test_marks_of_replies_are_not_part_of_the_title(subject: str) -> None:
    assert read_mail(bytes(mail(Subject=subject))).subject == "路灯不亮"


def test_what_is_quoted_was_said_before() -> None:
    text = "还是不亮。\n\n> 三号楼前的路灯不亮。\n> 谢谢"
    assert read_mail(bytes(mail(text))).text == "还是不亮。"


def test_markup_is_left_out_and_its_words_stay() -> None:
    message = mail()
    message.set_content(
        "<style>p{color:red}</style><p>三号楼</p><p>路灯 &amp; 井盖</p><script>x()</script>", subtype="html"
    )
    assert read_mail(bytes(message)).text == "三号楼\n路灯 & 井盖"


def test_the_plain_part_is_preferred_and_files_are_kept_apart() -> None:
    message = mail("plain")
    message.add_alternative("<p>rich</p>", subtype="html")
    message.add_attachment(b"\xff\xd8\xff", maintype="image", subtype="jpeg", filename="灯.jpg")

    read = read_mail(bytes(message))

    assert read.text == "plain"
    assert [(file.name, file.content_type, file.content) for file in read.attached] == [
        ("灯.jpg", "image/jpeg", b"\xff\xd8\xff")
    ]
    assert read.submission(now=NOW).attributes == {"mail_files": 1}


@pytest.mark.parametrize(
    "headers",
    [
        {"Auto_Submitted": "auto-replied"},
        {"Return_Path": "<>"},
        {"Precedence": "bulk"},
        {"List_Id": "<news.example.org>"},
    ],
)
def test_what_a_machine_wrote_is_recognised(headers: dict[str, str]) -> None:
    assert read_mail(bytes(mail(**headers))).is_automatic
    assert not read_mail(bytes(mail(Auto_Submitted="no"))).is_automatic


def test_without_a_message_id_the_content_is_the_identity() -> None:
    message = mail()
    del message["Message-ID"]
    one, same = read_mail(bytes(message)), read_mail(bytes(message))
    message.set_content("anything else")

    assert one.message_id == same.message_id != read_mail(bytes(message)).message_id


def test_a_chinese_mail_of_an_old_program_is_read() -> None:
    raw = (
        b"From: xiaoming@example.org\r\nSubject: =?gb2312?B?wre1xrK7waE=?=\r\n"
        b"Content-Type: text/plain; charset=gb18030\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    ) + "路灯不亮".encode("gb18030")
    assert read_mail(raw).text == "路灯不亮"


def test_control_characters_do_not_come_in() -> None:
    read = read_mail(bytes(mail("a\x00b\x1bc", Subject="x\x07y")))
    assert (read.text, read.subject) == ("abc", "xy")


@pytest.mark.parametrize("raw", [b"", b"no header at all", b"Subject: x\r\n\r\ntext", b"\x00\xff\xfe"])
def test_what_has_no_sender_is_no_mail(raw: bytes) -> None:
    with pytest.raises(InvalidInput):
        read_mail(raw)


def test_an_empty_mail_is_refused() -> None:
    with pytest.raises(InvalidInput):
        read_mail(b"From: a@example.org\r\nSubject: \r\n\r\n  \r\n")
