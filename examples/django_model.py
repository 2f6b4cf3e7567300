"""A Django model that is valid only if the policy allows what is about to be saved.

Forms, the admin and `full_clean()` call `clean()`; `save()` alone does not, as always in Django.
"""

from typing import Any

from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import get_language

import lawful

policy = lawful.load("wechat")  # once: it is immutable, and threads may share it
FACTS = ("type", "subject", "certified_until", "last_active")


class Account(models.Model):
    """An account, as the policy knows it: its fields are called as the policy calls them."""

    type = models.CharField(max_length=20)
    subject = models.CharField(max_length=20)
    certified_until = models.DateField(null=True, blank=True)
    last_active = models.DateField(null=True, blank=True)

    class Meta:
        app_label = "accounts"

    def clean(self) -> None:
        """Refuse what the policy does not allow, in its own words."""
        super().clean()
        facts = self.facts()
        if self._state.adding:
            self.ask(account=facts, change={"register": {}})
            return
        # What is stored, not what was loaded some time ago. In a transaction, add `.select_for_update()`.
        before = type(self)._base_manager.get(pk=self.pk).facts()
        changed = {name: facts[name] for name in FACTS if facts[name] != before[name]}
        if changed:
            history = [{"event": each.name, "at": each.at} for each in self.events.all()]
            self.ask(account=before, change={"set": changed}, history=history)

    def facts(self) -> dict[str, Any]:
        """What the policy reads of the account; an empty text is none."""
        return {name: getattr(self, name) or None for name in FACTS}

    def ask(self, **request: Any) -> None:
        """Raises ValidationError, with an explanation for each rule. `policy.allows` would say yes or no alone."""
        language = "zh" if (get_language() or "").startswith("zh") else "en"
        try:
            decision = policy.check(**request)
        except lawful.RequestError as error:  # a value that the policy's fields do not have
            raise ValidationError([str(each) for each in error.problems]) from None
        if not decision.allowed:
            told = [each for each in decision.reasons if each.severity == "error" and not each.standing]
            raise ValidationError([ValidationError(each.explanation.best(language), code=each.rule) for each in told])


class Event(models.Model):
    """What happened to an account, so that limits can count it.

    `clean()` writes nothing: whoever saves what it allowed, writes one for each of `decision.events` beside it.
    Limits count those alone, and let a second upgrade pass where nobody wrote the first.
    """

    account = models.ForeignKey(Account, on_delete=models.CASCADE, related_name="events")
    name = models.CharField(max_length=60)
    at = models.DateTimeField()

    class Meta:
        app_label = "accounts"
