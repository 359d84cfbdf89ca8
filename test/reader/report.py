# Collects what the reader finds: damage (what breaks the format), remarks (what a person may want to know) and drift.

from __future__ import annotations

from basics import Bad


class Report:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.damage: list[tuple[str, str]] = []
        self.remarks: list[str] = []
        self.drift: list[str] = []

    def line(self, topic: str, text: str) -> None:
        self.lines.append((topic, text))

    def damaged(self, where: str, what: object) -> None:
        """`where` names the file below the root folder, or the record and path."""
        self.damage.append((where, str(what)))

    def remark(self, text: str) -> None:
        self.remarks.append(text)

    def attempt(self, where: str, check, *arguments):
        """What the check returns; None and one finding when it says that something is bad."""
        try:
            return check(*arguments)
        except Bad as error:
            self.damaged(where, error)
            return None

    def text(self, listed_max: int) -> str:
        lines = [f"{topic:<11} {text}" for topic, text in self.lines]
        for title, items in (
            ("drift", self.drift),
            ("remark", self.remarks),
            ("DAMAGE", [f"{where}: {what}" for where, what in self.damage]),
        ):
            lines += [f"{title:<11} {item}" for item in items[:listed_max]]
            if len(items) > listed_max:
                lines.append(f"{title:<11} and {len(items) - listed_max} more")
        verdict = f"DAMAGED: {len(self.damage)} findings" if self.damage else "everything verified"
        drift = f"; {len(self.drift)} paths differ on disk" if self.drift else ""
        return "\n".join([*lines, verdict + drift, ""])
