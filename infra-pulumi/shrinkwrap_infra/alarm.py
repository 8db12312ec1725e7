"""The alarm: a mail whenever a setting of the buckets or the key changes, or the role break-glass is assumed."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pulumi
from pulumi import Output, ResourceOptions
from pulumi_aws import cloudwatch, sns

from .policies import alarm_topic_policy, key_pattern, policy_text, session_pattern, settings_pattern
from .policies.alarm_policies import Pattern
from .roles import Role, role_arn
from .settings import Settings

# Without this state, EventBridge does not deliver events that only read, and AssumeRole counts as reading.
_WITH_READS = "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"
_MAIL = '"In stack {stack}, <who> did <what> at <time>, from <address>. If you do not know why, look at the trail."'
_MAIL_FIELDS = {
    "who": "$.detail.userIdentity.arn",
    "what": "$.detail.eventName",
    "time": "$.detail.eventTime",
    "address": "$.detail.sourceIPAddress",
}


@dataclass(frozen=True, kw_only=True)
class ChangeAlarmArgs:
    """Arguments of ChangeAlarm.

    Attributes:
        buckets: Names of the data bucket and the log bucket.
        key_arn: ARN of the key that encrypts the data.
    """

    settings: Settings
    buckets: list[str]
    key_arn: Output[str]


class ChangeAlarm(pulumi.ComponentResource):
    """Rules that watch the account's management events, and a topic that sends mail."""

    def __init__(self, name: str, args: ChangeAlarmArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("shrinkwrap:infra:ChangeAlarm", name, None, opts)
        self._args = args
        self._settings = args.settings
        self._topic = self._make_topic()
        self._make_rules()
        self.register_outputs({})

    def _make_topic(self) -> sns.Topic:
        topic = sns.Topic("alarm", name=f"shrinkwrap-{self._settings.stack}-alarm", opts=self._child())
        for number, email in enumerate(self._settings.alarm_emails):
            sns.TopicSubscription(
                f"alarm-mail-{number}", topic=topic.arn, protocol="email", endpoint=email, opts=self._child()
            )
        return topic

    def _make_rules(self) -> None:
        settings = self._settings
        rules = [
            self._make_rule("settings", Output.from_input(settings_pattern(buckets=self._args.buckets))),
            self._make_rule("key", self._args.key_arn.apply(lambda arn: key_pattern(key_arn=arn))),
        ]
        if (role := Role(kind="break-glass", project=None)) in settings.assigned_roles:
            pattern = session_pattern(role_arn=role_arn(settings.place, role))
            rules.append(self._make_rule("break-glass", Output.from_input(pattern), state=_WITH_READS))
        policy = Output.all(self._topic.arn, *[rule.arn for rule in rules]).apply(
            lambda arns: policy_text(alarm_topic_policy(topic_arn=arns[0], rule_arns=arns[1:]))
        )
        sns.TopicPolicy("alarm-policy", arn=self._topic.arn, policy=policy, opts=self._child())

    def _make_rule(self, name: str, pattern: Output[Pattern], *, state: str = "ENABLED") -> cloudwatch.EventRule:
        rule = cloudwatch.EventRule(
            f"alarm-{name}",
            name=f"shrinkwrap-{self._settings.stack}-alarm-{name}",
            description=f"Shrinkwrap {self._settings.stack}: raises the alarm ({name})",
            event_pattern=pattern.apply(lambda value: json.dumps(value, sort_keys=True)),
            state=state,
            opts=self._child(),
        )
        cloudwatch.EventTarget(
            f"alarm-{name}-mail",
            rule=rule.name,
            arn=self._topic.arn,
            target_id="mail",
            input_transformer={
                "input_paths": _MAIL_FIELDS,
                "input_template": _MAIL.replace("{stack}", self._settings.stack),
            },
            opts=self._child(),
        )
        return rule

    def _child(self) -> ResourceOptions:
        return ResourceOptions(parent=self)
