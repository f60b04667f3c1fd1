"""What is written about the product is held against the product."""

import ast
import re
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
NAMES = {str(path.relative_to(ROOT)): path for path in DOCUMENTS}
READERS = {"_text", "_number", "_amount", "_share", "_list", "_flag", "_choice", "_value", "str"}
# Read by core.secret before the settings, and by the command that makes the first account.
BESIDE_SETTINGS = {"DATA_DIR", "DJANGO_SUPERUSER_EMAIL", "DJANGO_SUPERUSER_PASSWORD"}
NOT_IN_A_FILE = {"ENV_FILE"}  # it names the file


def settings_names() -> set[str]:
    """Every environment variable that core/settings.py reads."""
    names = set()
    for node in ast.walk(ast.parse((ROOT / "core" / "settings.py").read_text())):
        if not isinstance(node, ast.Call):
            continue
        called = getattr(node.func, "id", getattr(node.func, "attr", ""))
        if called in READERS:
            texts = [a.value for a in node.args if isinstance(a, ast.Constant)]
            names |= {t for t in texts[:1] if isinstance(t, str) and re.fullmatch("[A-Z_]{3,}", t)}
    return names | BESIDE_SETTINGS


def example_names() -> list[str]:
    text = (ROOT / ".env.example").read_text()
    return re.findall(r"^#?([A-Z_]{3,})=", text, re.MULTILINE)


def test_the_example_has_every_setting_and_no_other() -> None:
    assert len(example_names()) == len(set(example_names()))
    assert set(example_names()) == settings_names() - NOT_IN_A_FILE


def test_every_setting_of_the_example_has_a_line_that_explains_it() -> None:
    lines = (ROOT / ".env.example").read_text().splitlines()
    for before, line in pairwise(lines):
        if re.match(r"#?[A-Z_]{3,}=", line) and "DJANGO_SUPERUSER_PASSWORD" not in line:
            assert re.match(r"# .+[.;]", before), line


def test_the_manual_explains_every_setting() -> None:
    text = (ROOT / "docs" / "settings.md").read_text()
    assert {name for name in settings_names() if f"`{name}`" not in text} == set()


def make_targets() -> set[str]:
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))


@pytest.mark.parametrize("name", NAMES)
def test_every_make_command_exists(name: str) -> None:
    used = set(re.findall(r"\bmake ([a-z][a-z-]+)\b", code_of(NAMES[name].read_text())))
    assert used <= make_targets()


def code_of(text: str) -> str:
    blocks = re.findall(r"```[^\n]*\n(.*?)```", text, re.DOTALL)
    code = "\n".join(blocks + re.findall(r"`([^`\n]+)`", text))
    return re.sub(r"#.*", "", code)


def test_help_lists_every_target() -> None:
    text = (ROOT / "Makefile").read_text()
    listed = set(re.findall(r"^## make ([a-z-]+)", text, re.MULTILINE))
    assert listed == make_targets() - {"help"}


def test_the_readme_and_the_pipeline_name_the_same_targets() -> None:
    run = set(re.findall(r"\bmake ([a-z-]+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE))
    readme = (ROOT / "README.md").read_text()
    assert run == {"check", "test", "test-engine", "test-browser", "faults"}
    assert all(f"make {target}" in readme for target in run)


def anchors(text: str) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("name", NAMES)
def test_every_link_leads_somewhere(name: str) -> None:
    path = NAMES[name]
    for target in re.findall(r"\]\(([^)\s]+)\)", path.read_text()):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        linked = (path.parent / file).resolve() if file else path
        assert linked.exists(), target
        if anchor:
            assert anchor in anchors(linked.read_text()), target


def tracked_texts() -> list[Path]:
    folders = ("core", "users", "knowledge", "chat", "templates", "docs", "deploy", ".ci")
    loose = [ROOT / n for n in ("Makefile", "docker-compose.yml", ".env.example", "pyproject.toml")]
    kinds = {".py", ".md", ".html", ".txt", ".css", ".js", ".yml", ""}
    found = [p for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()]
    return [p for p in [*found, *loose, *DOCUMENTS] if p.suffix in kinds]


def test_nothing_names_the_machine_it_was_written_on() -> None:
    pattern = re.compile(r"/(?:work|root|home/[a-z]+)/|\bpypi\.org\b|\bTODO\b|\bFIXME\b")
    found = {
        str(path.relative_to(ROOT)): match.group()
        for path in tracked_texts()
        if (match := pattern.search(path.read_text(errors="replace")))
    }
    assert found == {}


def compose() -> dict[str, object]:
    return dict(yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"])


def test_compose_has_every_part_and_gives_it_time_to_end() -> None:
    services = compose()
    assert set(services) == {"prepare", "web", "worker", "beat", "postgres", "redis"}
    for name in ("web", "worker", "beat", "postgres"):
        assert services[name]["stop_grace_period"] == "40s"  # type: ignore[index]
    redis = services["redis"]["command"]  # type: ignore[index]
    assert "noeviction" in redis
    assert "--appendonly" in redis


def test_compose_passes_settings_that_exist() -> None:
    environment = set(compose()["web"]["environment"])  # type: ignore[index]
    assert environment <= settings_names()


def test_the_image_runs_as_a_user_of_its_own() -> None:
    text = (ROOT / "deploy" / "Dockerfile").read_text()
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) == 2
    assert re.findall(r"^USER (.+)$", text, re.MULTILINE) == ["footnote"]
    assert "ARG TORCH_INDEX_URL=" in text
    assert "HEALTHCHECK" in text


def test_every_requirement_has_its_version() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (ROOT / name).read_text().splitlines():
            assert re.match(r"$|#|-r |[A-Za-z0-9_.\[\],-]+==[0-9]", line), line
