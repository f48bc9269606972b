"""What people's agents say in `dashboard.demo.history`: topics, and sentences into which any topic fits.

`{topic}` is what is discussed, `{other}` a colleague, `{name}` a made-up name, `{n}` a number, `{part}` a part of the topic.
"""

from __future__ import annotations

from typing import NamedTuple


class Language(NamedTuple):
    """The material of one language.

    Attributes:
        gap: what stands between two sentences.
    """

    gap: str
    topics: tuple[str, ...]
    parts: tuple[str, ...]
    tasks: tuple[str, ...]
    titles: tuple[str, ...]
    openings: tuple[str, ...]
    sentences: tuple[str, ...]
    points: tuple[str, ...]
    endings: tuple[str, ...]
    tags: tuple[str, ...]


JAPANESE = Language(
    gap="",
    topics=(
        "リモートワーク向けの雑談スペース",
        "高齢者の見守りサービス",
        "商店街の空き店舗の活用",
        "社内文書の検索",
        "小学校の給食アレルギー管理",
        "地方バスの予約アプリ",
        "介護記録の音声入力",
        "図書館の自動貸出機",
        "防災無線の聞き直し",
        "農家の直売所の在庫共有",
        "病院の待ち時間の案内",
        "工場の異常音の検知",
        "観光案内の多言語チャット",
        "議事録の自動要約",
        "ペット保険の申請フォーム",
        "水道メーターの遠隔検針",
    ),
    parts=("料金表", "初回の案内", "通知の頻度", "入力画面", "検索結果", "権限の分け方", "ログの保存期間", "ヘルプの文面"),
    tasks=(
        "{topic}について、最初の三か月で試せる案を三つ挙げ、一つに絞ってください。",
        "{topic}の利用者が途中でやめてしまう理由を洗い出し、直す順番を決めてください。",
        "{topic}の料金を見直します。現在の{n}円を続けるべきか議論してください。",
        "{topic}の名前を決めてください。短く、口に出して言いやすいものを。",
        "「{name}」という仮称の{topic}について、公開前の懸念点を整理してください。",
    ),
    titles=("{topic}：最初の一歩", "{topic}の料金見直し", "{name}の公開前レビュー", "{topic}がやめられる理由", "{topic}の名前"),
    openings=(
        "{other}さんの指摘に賛成です。",
        "少し立ち止まって考えたいです。",
        "結論から言うと、{part}を先に直すべきです。",
        "数字を確認しました。",
        "反対ではありませんが、順番が気になります。",
        "現場の声を一つ紹介します。",
        "ここまでを整理します。",
        "なるほど、それは見落としていました。",
    ),
    sentences=(
        "{topic}では、最初の{n}分で使い方が分からないと離れてしまいます。",
        "利用者{n}人に聞いたところ、いちばん困っているのは{part}でした。",
        "{part}を簡単にするだけで、問い合わせは{n}件ほど減る見込みです。",
        "競合の「{name}」は無料で始められる点が強いですが、{part}は弱いままです。",
        "技術的には二週間あれば試作できます。ただし{part}の確認に時間がかかります。",
        "費用は月に{n}万円程度で、そのうち半分は{part}に使われます。",
        "ｽﾏｰﾄﾌｫﾝを持たない方も{n}％いらっしゃるので、電話の窓口は残しましょう。",
        "法務に確認したところ、{part}については事前の同意が必要とのことです。",
        "「便利そうだけれど怖い」という感想が多く、安心感の設計が足りていません。",
        "空間を共有している感覚は、機能の多さよりも{part}の速さから生まれます。",
        "仮説を一つに絞り、{n}日だけ試して、だめなら戻すのが安全です。",
        "私は{other}さんの案をもとに、{part}だけを変えることを提案します。",
        "失敗したときに元へ戻せることを、最初から画面に書いておくべきです。",
        "「{name}」の名前は覚えやすいものの、検索すると別の会社が先に出ます。",
        "このままでは{n}月の公開に間に合いません。範囲を半分にしましょう。",
        "数値だけを見ると順調ですが、毎日使う人は{n}人から増えていません。",
    ),
    points=(
        "**{part}**：担当は{other}さん、期限は{n}日後",
        "「{name}」を仮称のまま進める",
        "{part}の文面を{n}文字以内に縮める",
        "解約の理由を{n}件読み返す",
        "アクセシビリティの確認（読み上げと色）",
    ),
    endings=(
        "皆さんはどう思いますか。",
        "異論がなければ、これで進めます。",
        "次は{other}さんにお願いします。",
        "懸念があれば今のうちに。",
    ),
    tags=("ブレスト", "料金", "調査", "公開前", "地域", "医療"),
)

ENGLISH = Language(
    gap=" ",
    topics=(
        "a booking page for rural buses",
        "the incident review bot",
        "voice notes for care workers",
        "a quieter notification centre",
        "the onboarding checklist",
        "shared shopping lists",
        "search over internal documents",
        "the museum audio guide",
        "an offline map for cyclists",
        "the invoice importer",
        "a waiting room display",
        "school lunch allergies",
        "meter readings by photo",
        "the interview summary tool",
        "spare rooms in a shopping street",
        "a booking calendar for village halls",
    ),
    parts=(
        *("the price table", "the first screen", "the retry logic", "the search results"),
        *("permissions", "the export", "log retention", "the help text"),
    ),
    tasks=(
        "Find three ways to try {topic} within a quarter, and agree on one.",
        "Work out why people stop using {topic}, and in which order to mend it.",
        "Review the price of {topic}. Is {n} dollars a month still right?",
        "Find a name for {topic}: short, and easy to say on the phone.",
        "Collect the risks of releasing “{name}”, our working title for {topic}.",
    ),
    titles=(
        "First steps for {topic}",
        "Pricing {topic}",
        "{name}: review before release",
        "Why people leave {topic}",
        "A name for {topic}",
    ),
    openings=(
        "I agree with {other} on the main point.",
        "Let me push back a little.",
        "Short version: mend {part} first.",
        "I checked the numbers.",
        "One voice from the field.",
        "Summing up where we are.",
        "That is a fair objection.",
        "Two facts before we decide.",
    ),
    sentences=(
        "With {topic}, people decide within {n} seconds whether to stay.",
        "Of {n} people we asked, most were stuck on {part}.",
        "Simplifying {part} should save us about {n} support requests a week.",
        "Our competitor {name} starts for free, yet {part} is still their weak spot.",
        "A prototype takes two weeks; checking {part} takes longer than that.",
        "The running cost is close to {n} dollars a month, half of it for {part}.",
        "Café owners told us they read it on a phone, standing, with one hand.",
        "Legal says that {part} needs consent before, not after.",
        "It looks useful but frightening, so we have to design for trust.",
        "Latency matters more than features: at {n} ms it feels like the same room.",
        "Pick one hypothesis, try it for {n} days, and roll back if it fails.",
        "I suggest {other}'s plan, changing nothing except {part}.",
        "Say on the very first screen that everything can be undone.",
        "The name {name} is easy to remember, but another company owns the search results.",
        "At this rate we miss the release; let us cut the scope in half.",
        "The totals look healthy, while daily use has been flat at {n} people.",
    ),
    points=(
        "**{part}**: {other} owns it, due in {n} days",
        "keep “{name}” as the working title",
        "cut {part} to {n} words",
        "re-read {n} cancellations",
        "check contrast and screen readers",
    ),
    endings=(
        "What does everybody think?",
        "If nobody objects, we go with this.",
        "Over to {other}.",
        "Speak now if you see a risk.",
    ),
    tags=("brainstorm", "pricing", "research", "release", "incident", "ux"),
)

LANGUAGES = (JAPANESE, ENGLISH)

AGENT_TEAMS: tuple[tuple[str, ...], ...] = (
    ("creative_planner", "market_analyst", "technical_validator", "business_evaluator", "user_advocate"),
    ("Orchestrator", "WebSurfer", "FileSurfer", "Coder", "ComputerTerminal"),
    ("planner", "researcher", "writer", "critic"),
    ("企画担当", "市場分析", "技術検証", "利用者代表"),
    ("support_lead", "log_reader", "fixer"),
    ("teacher", "student", "examiner", "translator", "editor", "fact_checker"),
)

TOOLS = ("search_web", "read_file", "run_query", "lookup_price", "send_draft")
SYLLABLES = ("ka", "mi", "to", "ne", "ro", "sa", "vel", "lun", "tor", "bri", "zen", "qua", "fi", "dor", "hal", "mo")
