"""Which last labels make a bare name in running text look like a host name to a reader's mail program."""

from __future__ import annotations

_COUNTRIES = """
ac ad ae af ag ai al am ao aq ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by bz ca cc cd cf
cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu fi fj fk fm fo fr ga gd ge gf gg
gh gi gl gm gn gp gq gr gs gt gu gw gy hk hm hn hr ht hu id ie il im in io iq ir is it je jm jo jp ke kg kh ki km kn
kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na
nc ne nf ng ni nl no np nr nu nz om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh
si sk sl sm sn so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc ve
vg vi vn vu wf ws ye yt za zm zw
"""
_GENERIC = """
academy agency aero app art asia auction band bank bar bargains beauty best bet bid bio biz blog boutique broker build
business buzz cab cafe cam camp capital cards care careers cash casino cat center ceo cfd chat cheap church city click
clinic cloud club coach codes coffee com community company computer consulting contact cool coop credit cyou dance
date dating deals delivery dental design dev diet digital direct directory discount doctor download earth edu education
email energy engineering enterprises equipment estate events exchange expert express farm fashion finance financial
fit fitness forex fun fund fyi gallery game games gdn gift gives global gold gov graphics gratis green group guide guru
hair health help holdings homes host hosting house icu inc info ink institute insure int international investments
jobs land law lease legal life lighting limited limo link live loan loans lol ltd management market marketing markets
mba media men mil mobi moe mom money monster museum name net network news ninja one ong online org page partners parts
party pharmacy photo photos pics pictures plus poker press pro productions promo properties pub quest racing realty
rehab rent repair report rest review reviews rocks run sale sbs school science select services sex sexy shop shopping
show site skin social software solar solutions space store stream studio style support surf systems tax team tech
technology tel tips today tokyo tools top tours town toys trade trading travel university uno vegas ventures vet video
vip vision vote voyage wang watch web webcam website wiki win wine work works world wtf xxx xyz yoga zip zone
"""
TOP_LEVEL_DOMAINS = frozenset((_COUNTRIES + _GENERIC).split())
"""Countries' and the generic names that occur in mail; a link with a scheme needs no such list."""
