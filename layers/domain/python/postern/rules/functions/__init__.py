"""The functions that rules call: `body NAME eval:html_range('ratio', 0, 0.5)`.

Each takes the inspection and its arguments as texts, and returns how often it hit (`None`: it cannot tell here).
"""

from __future__ import annotations

from collections.abc import Mapping

from postern.rules.functions import (
    address_functions,
    body_functions,
    date_functions,
    forgery_functions,
    header_functions,
    html_functions,
    image_functions,
    mime_functions,
    relay_functions,
    uri_functions,
)
from postern.rules.functions.kind import Function

FUNCTIONS: Mapping[str, Function] = {
    **html_functions.FUNCTIONS,
    **mime_functions.FUNCTIONS,
    **header_functions.FUNCTIONS,
    **date_functions.FUNCTIONS,
    **relay_functions.FUNCTIONS,
    **forgery_functions.FUNCTIONS,
    **address_functions.FUNCTIONS,
    **body_functions.FUNCTIONS,
    **uri_functions.FUNCTIONS,
    **image_functions.FUNCTIONS,
}
"""By the name that rules use."""

ELSEWHERE = frozenset(
    "check_bayes check_dkim_signed check_dkim_valid check_dkim_valid_author_sig check_dkim_valid_envelopefrom"
    " check_dkim_testing check_dkim_dependable check_dkim_signsome check_dkim_signall check_dkim_adsp check_arc_signed"
    " check_arc_valid check_for_dkim_welcomelist_from check_for_dkim_whitelist_from check_for_def_dkim_welcomelist_from"
    " check_for_def_dkim_whitelist_from check_for_spf_pass check_for_spf_neutral check_for_spf_none check_for_spf_fail"
    " check_for_spf_softfail check_for_spf_permerror check_for_spf_temperror check_for_spf_helo_pass"
    " check_for_spf_helo_neutral check_for_spf_helo_none check_for_spf_helo_fail check_for_spf_helo_softfail"
    " check_for_spf_helo_permerror check_for_spf_helo_temperror check_for_spf_welcomelist_from"
    " check_for_spf_whitelist_from check_for_def_spf_welcomelist_from check_for_def_spf_whitelist_from"
    " check_dmarc_pass check_dmarc_reject check_dmarc_quarantine check_dmarc_none check_dmarc_missing check_rbl"
    " check_rbl_txt check_rbl_sub check_rbl_from_host check_rbl_from_domain check_rbl_envfrom check_rbl_accreditor"
    " check_rbl_rcvd check_rbl_ns_from check_rbl_headers check_dns_sender check_uridnsbl check_hashbl_emails"
    " check_hashbl_uris check_hashbl_bodyre check_hashbl_tag check_senders_reputation check_from_in_auto_welcomelist"
    " check_from_in_auto_whitelist".split()
)
"""What these functions ask is answered by checks of their own (SPF, DKIM, DMARC, DNS blocklists, Bayes), whose symbols
count instead; rules that call them are known and do not hit."""
