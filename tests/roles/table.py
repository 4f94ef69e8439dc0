"""Who may do what: the one table of the tests. `docs/guides/roles.md` shows its lines to people; a test compares them.

Every address of the admin and of the API stands in a line. A new one fails the tests until somebody says who may.
"""

from __future__ import annotations

from dataclasses import dataclass

from tenants.models import Role

STAFF = "staff"
VIEWERS = frozenset({Role.VIEWER.value, Role.CLERK.value, Role.ADMIN.value, STAFF})
CLERKS = VIEWERS - {Role.VIEWER.value}
ADMINS = CLERKS - {Role.CLERK.value}
PLATFORM = frozenset({STAFF})
NOBODY: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Line:
    """One line: what it is, who may, and the addresses that do it.

    `admin` names addresses of the admin with their method, `actions` those of a list's menu (`list: action`), `api`
    addresses of the API with their method. Platform staff have no tokens, so the API is asked for the roles only.
    """

    what: str
    who: frozenset[str]
    admin: tuple[str, ...] = ()
    actions: tuple[str, ...] = ()
    api: tuple[str, ...] = ()


def looking(*models: str) -> tuple[str, ...]:
    """The addresses of a model's pages that only show."""
    return tuple(f"GET {model}_{page}" for model in models for page in ("changelist", "change", "history"))


def changing(*models: str) -> tuple[str, ...]:
    """The addresses of a model's pages that add, change and delete."""
    pages = ("GET {}_add", "POST {}_add", "POST {}_change", "GET {}_delete", "POST {}_delete")
    return tuple(page.format(model) for model in models for page in pages)


TABLE = (
    Line(
        "sessions, their blocks, journal and history: look",
        VIEWERS,
        admin=looking("sessions_app_session"),
        api=(
            *("GET session-detail", "GET session-blocks", "GET session-edits"),
            *("GET block-detail", "GET block-history"),
        ),
    ),
    Line(
        "document, evidence and audit report of a closed session: download",
        VIEWERS,
        admin=("GET sessions_app_session_get",),
        api=("GET session-audit-report",),
    ),
    Line(
        "jobs: look",
        VIEWERS,
        admin=looking("jobs_job"),
        api=("GET job-collection", "GET job-list", "GET job-detail", "GET job-events"),
    ),
    Line("seals and recordings in custody: look", VIEWERS, admin=looking("custody_snapshot", "custody_heldobject")),
    Line(
        "the council, its team, skeletons, configuration, quota: look",
        VIEWERS,
        admin=(
            *looking("tenants_tenant", "tenants_membership", "tenants_skeleton", "tenants_skeletonversion"),
            *looking("tenants_configversion", "tenants_councilquota", "tenants_quotaentry", "tenants_mappedcouncil"),
            *("GET tenants_skeletonversion_download", "GET tenants_mappedcouncil_review"),
            *("GET tenants_mappedcouncil_diff", "GET tenants_mappedcouncil_export"),
            *("GET tenants_mappedcouncil_picture", "POST tenants_mappedcouncil_try"),
        ),
        api=("GET tenant-config", "GET tenant-config-version"),
    ),
    Line(
        "models and adapters, and which are active: look",
        VIEWERS,
        admin=looking("tenants_registeredmodel", "tenants_adapter", "tenants_modelactivation"),
    ),
    Line(
        "sessions: start, record, correct, finalize, clone",
        CLERKS,
        admin=("POST sessions_app_session_finalize",),
        actions=("sessions_app_session: finalize_sessions", "sessions_app_session: retry_sessions"),
        api=(
            *("POST session-start", "POST session-append", "POST session-chunk", "PATCH session-context"),
            *("POST session-upload-asset", "POST session-recording", "POST session-finalize", "POST session-clone"),
            *("POST block-edit", "POST block-split", "POST block-merge", "POST block-move"),
            *("POST block-retype", "POST block-restrict"),
        ),
    ),
    Line(
        "jobs: start, cancel, retry",
        CLERKS,
        actions=("jobs_job: cancel_jobs", "jobs_job: retry_jobs"),
        api=("POST job-collection", "POST job-cancel", "POST job-retry"),
    ),
    Line(
        "abandoned sessions: resume",
        ADMINS,
        admin=("POST sessions_app_session_resume",),
        actions=("sessions_app_session: resume_sessions",),
        api=("POST session-resume",),
    ),
    Line(
        "skeletons: add, upload a version, delete an unused one",
        ADMINS,
        admin=changing("tenants_skeleton"),
        actions=("tenants_skeleton: delete_selected",),
    ),
    Line(
        "configuration: edit the draft, discard it, import, publish, publish an older version again",
        ADMINS,
        admin=(
            *("POST tenants_mappedcouncil_edit", "POST tenants_mappedcouncil_discard"),
            *("POST tenants_mappedcouncil_import", "POST tenants_mappedcouncil_publish"),
            "POST tenants_mappedcouncil_roll_back",
        ),
    ),
    Line(
        "models: activate one for new sessions",
        ADMINS,
        admin=("GET tenants_modelactivation_add", "POST tenants_modelactivation_add"),
    ),
    Line(
        "API clients: look, add, change, new secret, revoke",
        ADMINS,
        admin=(
            *looking("tenants_apiclient"),
            *("GET tenants_apiclient_add", "POST tenants_apiclient_add", "POST tenants_apiclient_change"),
            *("POST tenants_apiclient_secret", "POST tenants_apiclient_revoke", "POST tenants_apiclient_restore"),
        ),
    ),
    Line(
        "councils, memberships, users: add, change, delete",
        PLATFORM,
        admin=(
            *changing("tenants_tenant", "tenants_membership", "auth_user"),
            *looking("auth_user"),
            *("GET auth_user_password_change", "POST auth_user_password_change", "GET autocomplete"),
        ),
        actions=(
            *("tenants_tenant: delete_selected", "tenants_membership: delete_selected"),
            "auth_user: delete_selected",
        ),
    ),
    Line(
        "models and adapters: register, remove an unused one",
        PLATFORM,
        admin=tuple(
            f"{method} {model}_{page}"
            for model in ("tenants_registeredmodel", "tenants_adapter")
            for page in ("add", "delete")
            for method in ("GET", "POST")
        ),
    ),
    Line("quota: limits and top-ups", PLATFORM, admin=("POST tenants_councilquota_change",)),
    Line(
        "messages of the queues: look",
        PLATFORM,
        admin=looking("django_dramatiq_task"),
    ),
    Line(
        "sessions, jobs, seals, custody, published configuration, ledger: edit or delete a row",
        NOBODY,
        admin=(
            *changing("sessions_app_session", "jobs_job", "custody_snapshot", "custody_heldobject"),
            *changing("tenants_configversion", "tenants_quotaentry", "tenants_skeletonversion"),
            *("POST tenants_registeredmodel_change", "POST tenants_adapter_change"),
            *("POST tenants_modelactivation_change", "GET tenants_modelactivation_delete"),
            "POST tenants_modelactivation_delete",
            *("GET tenants_mappedcouncil_add", "POST tenants_mappedcouncil_add"),
            *("GET tenants_mappedcouncil_delete", "POST tenants_mappedcouncil_delete"),
            *("GET tenants_councilquota_add", "POST tenants_councilquota_add"),
            *("GET tenants_councilquota_delete", "POST tenants_councilquota_delete"),
            *("GET tenants_apiclient_delete", "POST tenants_apiclient_delete"),
        ),
    ),
)
FOR_EVERYBODY_SIGNED_IN = frozenset(
    {"index", "search", "login", "logout", "sign-out", "password_change", "password_change_done", "jsi18n", "app_list"}
    | {"view_on_site"}
)
"""Pages of the admin itself, which show what the pages above would."""
