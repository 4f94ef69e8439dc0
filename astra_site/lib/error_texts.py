"""What an error means for a person in the admin, in the person's language, and what to do about it.

The API keeps its English messages and stable codes; this is the admin's translation of the codes that a council's
people can meet.
"""

from __future__ import annotations

from typing import Any, Final

from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from astra_site.lib.errors import AstraError

_TEXTS: Final[dict[str, Any]] = {
    "session_empty": _("Nothing was recorded in this session: there are no minutes to make."),
    "session_not_open": _("The session takes no more inputs in its present state."),
    "session_abandoned": _(
        "The session was put away because nobody used it for long. Nothing is lost: an administrator can resume it."
    ),
    "session_not_abandoned": _("Only an abandoned session can be resumed."),
    "graveyard_missing": _(
        "What was put away of the session is not in the object store any more. Tell the platform's staff."
    ),
    "graveyard_altered": _("What was put away of the session was changed. Tell the platform's staff."),
    "graveyard_differs": _("What was put away of the session is not what its journal says. Tell the platform's staff."),
    "audio_kept": _("Custody does not hold some of the session's audio as it should. Tell the platform's staff."),
    "session_not_closed": _("The session is not closed: there is nothing sealed to hand over yet."),
    "session_sealed_differently": _(
        "The session was sealed before with other content. A correction needs a new session."
    ),
    "job_transition_illegal": _("The job's state does not allow this: reload the page to see where it stands."),
    "quota_exhausted": _(
        "The council's AI time is used up. The audio is kept: after a top-up, or in the next month, it is finished."
    ),
    "storage_quota_exhausted": _(
        "The council's storage is used up: no new sessions and files are taken. The platform's staff can add more."
    ),
    "quota_amount_invalid": _("The amount must be more than nothing, and less than a petabyte."),
    "quota_reference_used": _("This reference was used before for a top-up of another amount."),
    "quota_note_missing": _("Say why in the note, in 1 to 300 characters."),
    "client_scopes_invalid": _("Choose at least one permission."),
    "token_endpoint_off": _("This installation has no key to issue tokens with. Tell the platform's staff."),
    "rate_limited": _("Too many tries from here. Wait a moment and try again."),
    "oidc_no_council": _(
        "The identity provider knows you, but your account there belongs to no council of this installation."
    ),
    "oidc_no_role": _(
        "The identity provider knows you, but none of your groups there has a role in this installation."
    ),
    "oidc_account_off": _("Your account in this installation is switched off."),
    "oidc_refused": _("The identity provider did not sign you in."),
    "oidc_state_unknown": _(
        "This answer of the identity provider belongs to no sign-in that was begun in this browser. Try again."
    ),
    "oidc_token_invalid": _("What the identity provider answered can't be trusted. Try again."),
    "oidc_code_refused": _("The sign-in took too long, or was used before. Try again."),
    "provider_unreachable": _("The identity provider does not answer. Try again later, or log in with a password."),
    "provider_answer_invalid": _(
        "The identity provider answers with something that can't be understood. Log in with a password, and tell the "
        "platform's staff."
    ),
    "identity_keys_unavailable": _(
        "The identity provider does not answer. Try again later, or log in with a password."
    ),
    "redis_unavailable": _("Redis does not answer. Nothing is lost; try again in a moment."),
    "object_store_unavailable": _("The object store does not answer. Nothing is lost; try again in a moment."),
    "object_missing": _(
        "A stored file is missing from the object store. Tell the platform's staff before trying again."
    ),
    "lease_expired": _(
        "The worker gave no sign of life, or took too long. Try again; if it happens again, see its log."
    ),
    "engine_unavailable": _(
        "The speech engine or its model is not there. The platform's staff must check it; then try again."
    ),
    "engine_failed": _(
        "The speech engine failed on this audio. Try again; if it happens again, tell the platform's staff."
    ),
    "core_timeout": _("CORE did not answer in time. The words are kept; they are understood later."),
    "core_unreachable": _("CORE can't be reached. The words are kept; they are understood later."),
    "core_status": _("CORE answers with an error. The words are kept; they are understood later."),
    "core_breaker_open": _("CORE failed several times and is left alone for a moment; the words are understood later."),
    "core_answer_invalid": _(
        "CORE's answer was wrong and was not used. The words are kept; they are understood later."
    ),
    "core_request_invalid": _("CORE refuses to understand these words: read them and correct them by hand."),
    "core_redirected": _("CORE has moved. The platform's staff must set its new address."),
    "core_refused": _("CORE does not accept our token. The platform's staff must set it again."),
    "core_not_json": _("What answers at CORE's address is no CORE. The platform's staff must check it."),
    "core_answer_too_large": _("CORE's answer was too long and was not used. The platform's staff must check it."),
    "unknown_engine": _("This installation does not have the speech engine that the session asks for."),
    "audio_unreadable": _("The audio can't be read: it is damaged or no audio."),
    "audio_truncated": _("The audio file is incomplete: send it again."),
    "audio_malformed": _("The audio goes on after the end that it announces: export it anew and send it again."),
    "audio_empty": _("The audio file holds no sound."),
    "step_crashed": _("The step ended in an unforeseen error. Try again; if it happens again, see the worker's log."),
    "audio_not_held": _("Recordings of the session are not in custody yet. Try again."),
    "signing_key_missing": _("This installation has no signing key. The platform's staff must set one."),
    "signing_key_unreadable": _("The signing key can't be read. The platform's staff must check its file."),
    "signing_key_malformed": _("The signing key is damaged. The platform's staff must set it again."),
    "config_altered": _("The pinned configuration does not have its hash any more. Tell the platform's staff."),
    "skeleton_altered": _("The pinned skeleton does not have its hash any more. Tell the platform's staff."),
    "dump_altered": _("The stored session content does not have its hash any more. Tell the platform's staff."),
    "document_altered": _("The built document does not have its hash any more. Tell the platform's staff."),
    "build_skeleton_empty": _("The skeleton has no body to write into: upload a complete Word document."),
    "build_image_mismatch": _("An image is not the one that the session recorded. Tell the platform's staff."),
    "build_image_unsupported": _("An image is neither PNG nor JPEG and can't be embedded."),
    "build_dump_malformed": _("The session's content can't be built into a document. Tell the platform's staff."),
    "config_invalid": _("The configuration does not have the form that a configuration has."),
    "config_not_json": _("This file is no JSON that can be taken."),
    "config_too_large": _("A configuration has at most 1 MB."),
    "config_file_missing": _("Choose a file."),
    "config_edit_invalid": _("This change makes no sense: something is missing or has another form."),
    "config_does_not_fit_skeleton": _("The configuration does not fit the skeleton."),
    "config_version_unknown": _("There is no configuration version of this number."),
    "config_published_meanwhile": _(
        "Another version was published meanwhile. Compare with it and try again; nothing was changed."
    ),
    "draft_changed": _(
        "Somebody else has changed the draft meanwhile. This is how it stands now; your change was not made."
    ),
    "skeleton_not_published": _("The council has no default skeleton yet: upload its Word document first."),
    "skeleton_not_docx": _("This is not a Word document (.docx)."),
    "skeleton_macros": _("The Word document contains macros: save it as a document without macros (.docx)."),
    "skeleton_xml_malformed": _("The Word document is damaged: open it in Word, save it anew and upload that."),
    "skeleton_too_many_placeholders": _("The Word document has too many placeholders."),
    "skeleton_too_large": _("The Word document is too large."),
    "skeleton_zip_bomb": _("The Word document unpacks to far more than its size and is refused."),
    "skeleton_strict_format": _("Save the document in Word as an ordinary Word document (.docx) and upload it again."),
    "skeleton_xml_unsafe": _("The Word document holds declarations that no Word document needs and is refused."),
    "skeleton_embedded_object": _("The Word document holds embedded objects: remove them and upload it again."),
    "skeleton_external_relationship": _("The Word document loads something from outside: embed it or remove it."),
    "skeleton_active_field": _("The Word document has a field that reads files or runs commands: remove it."),
    "skeleton_part_unknown": _("The Word document holds a file of another kind: remove what is embedded in it."),
}


def is_explained(code: str) -> bool:
    """Say whether there is a text for this code."""
    return code in _TEXTS


def explain_code(code: str, message: str = "") -> str:
    """Return what a code means and what to do; for a code that is not in the list, its own message and itself."""
    text = _TEXTS.get(code)
    if text is not None:
        return str(text)
    return gettext("%(message)s (code: %(code)s)") % {"message": message or gettext("It failed."), "code": code}


def explain(error: AstraError) -> str:
    """Return what an error means for a person, and what to do."""
    return explain_code(error.code, error.message)
