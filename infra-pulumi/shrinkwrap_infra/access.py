"""Access to the data: one role per duty, and the users and workflows that may assume it."""

from __future__ import annotations

from dataclasses import dataclass

import pulumi
from pulumi import Input, Output, ResourceOptions
from pulumi_aws import iam

from .documents import assume_documents, is_inline, people_trust_document, preview_subjects, project_subjects
from .policies import (
    Document,
    admin_policy,
    break_glass_policy,
    data_policy,
    policy_text,
    preview_policy,
    self_service_policy,
    user_boundary,
    workflow_trust,
)
from .policies.role_policies import DataKind
from .policies.trust_policies import AUDIENCE, GITHUB_ISSUER
from .roles import Role, RoleKind, role_name, user_name
from .settings import Person, Project, Settings

# A workflow reads with a reader's permissions and publishes with a contributor's; neither may delete.
_DATA_KINDS: dict[RoleKind, DataKind] = {
    "reader": "reader",
    "contributor": "contributor",
    "steward": "steward",
    "ci-read": "reader",
    "ci-publish": "contributor",
}
_SESSION_S = {"admin": 3600, "break-glass": 3600, "ci-preview": 3600}
_WORKDAY_S = 8 * 3600


@dataclass(frozen=True, kw_only=True)
class DataAccessArgs:
    """Arguments of DataAccess.

    Attributes:
        log_bucket: Name of the bucket with the logs.
        key_arn: ARN of the key that encrypts the data.
    """

    settings: Settings
    log_bucket: str
    key_arn: Output[str]


class DataAccess(pulumi.ComponentResource):
    """Roles, IAM users, and trust in GitHub's workflows.

    Attributes:
        role_arns: ARN of each role, by its name in the settings.
        initial_passwords: First password of each IAM user, by person; secret, or encrypted with the person's PGP key.
    """

    def __init__(self, name: str, args: DataAccessArgs, opts: ResourceOptions | None = None) -> None:
        super().__init__("shrinkwrap:infra:DataAccess", name, None, opts)
        self._args = args
        self._settings = args.settings
        self.role_arns: dict[str, Output[str]] = {}
        self.initial_passwords: dict[str, Output[str]] = {}
        self._make_users([person for person in self._settings.people if person.principal is None])
        self._make_people_roles()
        self._make_workflow_roles([project for project in self._settings.projects if project.github is not None])
        self.register_outputs({"role_arns": self.role_arns})

    def _make_users(self, people: list[Person]) -> None:
        self._users: dict[str, iam.User] = {}
        if not people:
            return
        settings = self._settings
        boundary = self._managed_policy("user-boundary", user_boundary(place=settings.place))
        self_service = self._managed_policy("user-self-service", self_service_policy(place=settings.place))
        for person in people:
            user = iam.User(
                f"user-{person.name}",
                name=user_name(settings.stack, person.name),
                permissions_boundary=boundary.arn,
                # Otherwise AWS refuses to delete a user who has set up an MFA device, which every user must.
                force_destroy=True,
                opts=self._child(),
            )
            self._users[person.name] = user
            iam.UserPolicyAttachment(
                f"user-{person.name}-self-service", user=user.name, policy_arn=self_service.arn, opts=self._child()
            )
            self._make_assume_policies(person, user)
            self._make_login(person, user)

    def _make_assume_policies(self, person: Person, user: iam.User) -> None:
        documents = assume_documents(self._settings, person)
        if is_inline(documents):
            iam.UserPolicy(
                f"user-{person.name}-roles",
                name="assume-roles",
                user=user.name,
                policy=policy_text(documents[0]),
                opts=self._child(),
            )
            return
        for number, document in enumerate(documents, 1):
            name = f"user-{person.name}-roles-{number}"
            policy = self._managed_policy(name, document)
            iam.UserPolicyAttachment(name, user=user.name, policy_arn=policy.arn, opts=self._child())

    def _make_login(self, person: Person, user: iam.User) -> None:
        login = iam.UserLoginProfile(
            f"user-{person.name}-login",
            user=user.name,
            pgp_key=person.pgp_key,
            password_length=24,
            password_reset_required=True,
            # The user replaces the first password. Without this, the next update would reset it.
            opts=ResourceOptions(
                parent=self,
                ignore_changes=["password_length", "password_reset_required", "pgp_key"],
            ),
        )
        password = login.encrypted_password if person.pgp_key else login.password
        self.initial_passwords[person.name] = Output.secret(password)

    def _make_people_roles(self) -> None:
        settings = self._settings
        for role in settings.assigned_roles:
            people = [person for person in settings.people if role in person.roles]
            users = [person.name for person in people if person.principal is None]
            document = people_trust_document(settings, role)
            if document is not None:
                # IAM refuses a trust policy that names a user who does not exist, so the users are created first.
                self._make_role(role, document, after=[self._users[name] for name in users])

    def _make_workflow_roles(self, projects: list[Project]) -> None:
        preview = self._settings.preview
        if not projects and preview is None:
            return
        provider_arn: Input[str] = self._settings.github_provider_arn or self._make_github_provider().arn
        for project in projects:
            if (github := project.github) is None:
                continue
            for kind, trusted in project_subjects(github).items():
                self._make_role(Role(kind=kind, project=project.name), _workflow_trust(provider_arn, trusted))
        if preview is not None:
            trust = _workflow_trust(provider_arn, preview_subjects(preview))
            self._make_role(Role(kind="ci-preview", project=None), trust)

    def _make_github_provider(self) -> iam.OpenIdConnectProvider:
        return iam.OpenIdConnectProvider(
            "github", url=f"https://{GITHUB_ISSUER}", client_id_lists=[AUDIENCE], opts=self._child()
        )

    def _make_role(
        self,
        role: Role,
        trust: Document | Output[Document],
        after: list[pulumi.Resource] | list[iam.User] | None = None,
    ) -> None:
        name = role.key.replace("/", "-")
        iam_role = iam.Role(
            f"role-{name}",
            name=role_name(self._settings.stack, role),
            description=f"Shrinkwrap {self._settings.stack}: {role.key}",
            assume_role_policy=Output.from_input(trust).apply(lambda document: policy_text(document)),
            max_session_duration=_SESSION_S.get(role.kind, _WORKDAY_S),
            opts=self._child(*(after or [])),
        )
        policy = self._args.key_arn.apply(lambda key_arn: policy_text(self._role_policy(role, key_arn)))
        iam.RolePolicy(f"role-{name}-policy", name="data", role=iam_role.name, policy=policy, opts=self._child())
        self.role_arns[role.key] = iam_role.arn

    def _role_policy(self, role: Role, key_arn: str) -> Document:
        bucket = self._settings.bucket.name
        if role.kind == "ci-preview" and self._settings.preview is not None:
            return preview_policy(
                place=self._settings.place,
                buckets=[bucket, self._args.log_bucket],
                key_arn=key_arn,
                state_bucket=self._settings.preview.state_bucket,
            )
        if role.kind == "break-glass":
            return break_glass_policy(bucket=bucket, key_arn=key_arn)
        if role.project is None:
            return admin_policy(bucket=bucket, log_bucket=self._args.log_bucket, key_arn=key_arn)
        region = self._settings.region
        kind = _DATA_KINDS[role.kind]
        return data_policy(kind, bucket=bucket, prefix=f"{role.project}/", key_arn=key_arn, region=region)

    def _managed_policy(self, name: str, document: Document) -> iam.Policy:
        full_name = f"shrinkwrap-{self._settings.stack}-{name}"
        return iam.Policy(name, name=full_name, policy=policy_text(document), opts=self._child())

    def _child(self, *after: pulumi.Resource) -> ResourceOptions:
        return ResourceOptions(parent=self, depends_on=list(after))


def _workflow_trust(provider_arn: Input[str], subjects: list[str]) -> Output[Document]:
    return Output.from_input(provider_arn).apply(lambda arn: workflow_trust(provider_arn=arn, subjects=subjects))
