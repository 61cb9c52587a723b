# Copyright (c) 2026 GreenLang. All rights reserved.
"""What the parts of the collection promise each other.

Defaults and argument specifications, playbooks and runbooks, plugins and their documentation, and which value wins.
"""

from __future__ import annotations

import importlib
import ipaddress
import json
import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.greenlang.vcci.plugins.plugin_utils.local_cluster.layout import Layout
from jinja2 import Environment, nodes

from tests.helpers import PATIENCE, ROOT, ansible

ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
PLAYBOOKS = sorted(path.stem for path in (ROOT / "playbooks").glob("*.yml"))
# Inputs of all roles: what every environment shares is in group_vars/all, what differs in the inventory.
SHARED = ("platform_", "cluster_")
ENVIRONMENTS = sorted(path.name for path in (ROOT / "inventories").iterdir() if path.is_dir())
EXPRESSIONS = {"when", "that", "until", "failed_when", "changed_when"}
BLOCKS = ("block", "rescue", "always")
ASKING = {"checks", "exposure", "local", "existing"}  # components that look, or make the cluster that all else needs
NOT_PLAYBOOKS = {"images"}  # runbooks of what is not done by a playbook


def load(path: Path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def run(program: str, *arguments: str, cwd: Path = ROOT) -> str:
    """Run a program of Ansible's; what it said."""
    done = ansible(program, *arguments, cwd=cwd, environment={"ANSIBLE_COLLECTIONS_PATH": str(ROOT / "collections")})
    assert done.returncode == 0, done.stdout
    return done.stdout


# -- roles


def defaults_of(role: str) -> dict:
    found: dict = {}
    for path in sorted((ROOT / "roles" / role / "defaults" / "main").glob("*.yml")):
        values = load(path) or {}
        twice = found.keys() & values.keys()
        assert not twice, f"{path}: set in another file of this role already: {twice}"
        found.update(values)
    return found


def options_of(role: str) -> dict:
    entries = load(ROOT / "roles" / role / "meta" / "argument_specs.yml")["argument_specs"]
    return {name: option for entry in entries.values() for name, option in entry["options"].items()}


@pytest.mark.parametrize("role", ROLES)
def test_every_default_is_specified(role):
    options = options_of(role)
    shared = {name for name in options if name.startswith(SHARED) and name not in defaults_of(role)}
    assert {name for name, option in options.items() if not option.get("required")} - shared == set(defaults_of(role))
    assert [name for name in shared if "default" in options[name]] == []


@pytest.mark.parametrize("role", ROLES)
def test_defaults_are_those_that_are_specified(role):
    """A template is no default that a dict or list may be documented with: it stands in the description."""
    options, defaults = options_of(role), defaults_of(role)
    specified = {name: option["default"] for name, option in options.items() if "default" in option}
    empty = {"dict": "{}", "list": "[]"}
    for name, default in defaults.items():
        if isinstance(default, str) and options[name]["type"] in empty:
            told = re.search(r" Default C\((.+)\), if it is set\.$", options[name]["description"])
            assert told, name
            specified[name] = f"{{{{ {told[1]} | default({empty[options[name]['type']]}) }}}}"
    assert specified == {name: defaults[name] for name in defaults if name in options}


@pytest.mark.parametrize("role", ROLES)
def test_variables_carry_the_name_of_their_role(role):
    files = sorted((ROOT / "roles" / role / "vars" / "main").glob("*.yml"))
    internal = [name for path in files for name in load(path) or {}]
    assert [name for name in defaults_of(role) if not name.startswith(f"{role}_")] == []
    assert [name for name in internal if not name.startswith(f"__{role}_")] == []


def names_in(template: str) -> set[str]:
    """The variables that a template reads and does not make itself."""
    found = list(Environment().parse(template).find_all(nodes.Name))
    return {name.name for name in found} - {name.name for name in found if name.ctx != "load"}


def templates_in(value, key: str = "") -> Iterator[str]:
    """Every template in a YAML file; what stands after some keys is an expression without braces."""
    if isinstance(value, dict):
        for name, child in value.items():
            yield from templates_in(child, name)
    elif isinstance(value, list):
        for child in value:
            yield from templates_in(child, key)
    elif isinstance(value, str):
        yield f"{{% if {value} %}}{{% endif %}}" if key in EXPRESSIONS and "{{" not in value else value


def read_by(role: str) -> set[str]:
    """The variables that the files of a role read, but for those of Ansible and of Jinja and for macros."""
    found: set[str] = set()
    for path in (ROOT / "roles" / role).rglob("*"):
        if path.suffix == ".j2":
            found |= names_in(path.read_text(encoding="utf-8"))
        elif path.suffix == ".yml" and path.parent.name != "meta":
            found.update(*map(names_in, templates_in(load(path))))
    return {name for name in found if re.match("_*[a-z]+_", name)} - {
        "ansible_check_mode",
        "ansible_failed_result",
        "role_path",
    }


@pytest.mark.parametrize("role", ROLES)
def test_every_variable_that_a_role_reads_is_specified(role):
    """Each is of the role itself or an input of all roles; what begins with __ is made in its vars and tasks."""
    read = read_by(role)
    assert {name for name in read if not name.startswith((f"{role}_", f"__{role}_", *SHARED))} == set()
    assert {name for name in read if not name.startswith("__")} - options_of(role).keys() == set()


def taken_as_texts(template: str, names: set[str]) -> set[str]:
    """Those of these variables that a template uses as they are; what gets one as a whole reads it by its own rules."""
    tree = Environment().parse(template)
    whole = [part for output in tree.find_all(nodes.Output) for part in output.nodes if isinstance(part, nodes.Name)]
    filters = [found for found in tree.find_all(nodes.Filter) if found.name == "bool"]
    right = {id(name) for name in (*whole, *(name for found in filters for name in found.find_all(nodes.Name)))}
    return {name.name for name in tree.find_all(nodes.Name) if name.name in names and id(name) not in right}


@pytest.mark.parametrize(
    ("template", "taken"),
    [
        ("{{ a }}", set()),
        ("{{ a | bool }}", set()),
        ("{{ a | default(false) | bool }}", set()),
        ("{{ 1 if a | bool else 2 }}", set()),
        ("{{ 1 if a else 2 }}", {"a"}),
        ("{% if not a %}{% endif %}", {"a"}),
        ("{% if a %}{% endif %}", {"a"}),
        ("{{ x | default(a) }}", {"a"}),
    ],
)
def test_what_is_taken_as_a_text(template, taken):
    assert taken_as_texts(template, {"a"}) == taken


def all_templates() -> Iterator[tuple[str, str]]:
    """Every template of roles, playbooks and environments, with the file that it is in."""
    for folder in ("roles", "playbooks", "group_vars", "inventories"):
        for path in (ROOT / folder).rglob("*"):
            if path.suffix not in (".j2", ".yml") or path.parent.name in ("meta", "contracts"):
                continue
            texts = [path.read_text(encoding="utf-8")] if path.suffix == ".j2" else templates_in(load(path))
            yield from ((str(path.relative_to(ROOT)), text) for text in texts)


def test_what_is_said_with_e_is_no_text_where_a_bool_belongs():
    """`-e name=false` is the text "false", which is true wherever nobody makes a bool of it."""
    specified = [option for role in ROLES for option in options_of(role).items()]
    bools = {name for name, option in specified if option["type"] == "bool"}
    found: dict[str, set[str]] = {}
    for path, text in all_templates():
        found.setdefault(path, set()).update(taken_as_texts(text, bools))
    assert {path: names for path, names in found.items() if names} == {}


def test_no_apostrophe_is_lost():
    """Jinja makes one text of 'the cluster''s', and no apostrophe; YAML makes one of two, in single quotes alone."""
    assert [(path, text) for path, text in all_templates() if re.search(r"\w''\w", text)] == []


def tasks_in(value) -> Iterator[dict]:
    """All tasks of a file, those of blocks as well."""
    for task in value if isinstance(value, list) else []:
        yield task
        for part in BLOCKS:
            yield from tasks_in(task.get(part))


@pytest.mark.parametrize("role", ROLES)
def test_no_task_sets_an_input_that_a_run_may_be_given(role):
    """What is given with -e, or an inventory has above a role, wins against it, or is lost to it, unnoticed."""
    files = sorted((ROOT / "roles" / role / "tasks").rglob("*.yml"))
    names = {name for path in files for task in tasks_in(load(path)) for name in task.get("vars") or ()}
    assert names & options_of(role).keys() == set()


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_what_a_playbook_sets_is_refused_with_e(playbook):
    """It would win against the playbook: `-e tenant_new_only=false` made tenant_onboard converge all."""
    path = ROOT / "playbooks" / "contracts" / f"{playbook}.yml"
    sets = set((load(path) if path.exists() else {}).get("sets") or ())
    options = {name for role in ROLES for name in options_of(role)}
    found: set[str] = set()
    for play in load(ROOT / "playbooks" / f"{playbook}.yml"):
        for part in ([play], *(play.get(part) for part in ("pre_tasks", "tasks", "post_tasks", "handlers"))):
            found.update(name for task in tasks_in(part) for name in task.get("vars") or ())
    assert found & options == sets


@pytest.mark.parametrize("role", ROLES)
def test_no_input_of_all_roles_is_specified_without_being_read(role):
    shared = {name for name in options_of(role) if name.startswith(SHARED) and not name.startswith(f"{role}_")}
    assert shared - read_by(role) == set()


def test_inputs_of_all_roles_are_specified_alike():
    """The same text and type wherever one is read. Only its own role gives one a default."""
    texts: dict[str, set[str]] = {}
    for role in ROLES:
        for name, option in options_of(role).items():
            alike = {key: value for key, value in option.items() if key != "default"}
            texts.setdefault(name, set()).add(json.dumps(alike, sort_keys=True))
    assert [name for name, found in texts.items() if len(found) > 1] == []


@pytest.mark.parametrize("role", ROLES)
def test_tags_are_the_names_of_components(role):
    """The tag is the name of the tasks file; the same name with hyphens does too. What goes with other components has
    their tags as well; only what writes nothing is run whatever is asked for."""
    tasks = load(ROOT / "roles" / role / "tasks" / "main.yml")
    components = {name: set(task["tags"]) for task in tasks if (name := component(task))}
    names = {alike for name in components for alike in (name, name.replace("_", "-"))}
    for name, tags in components.items():
        assert {name, name.replace("_", "-")} <= tags, name
    tagged = {name: set(task["tags"]) for task in tasks_in(tasks) if (name := component(task))}
    assert {name: tags - names - {"always"} for name, tags in tagged.items() if tags - names - {"always"}} == {}
    assert {name for name, tags in tagged.items() if "always" in tags} <= ASKING


def component(task: dict) -> str:
    """The tasks file that is taken in, without its ending."""
    included = task.get("ansible.builtin.include_tasks", {}).get("file", "")
    return str(task.get("ansible.builtin.import_tasks", included)).removesuffix(".yml")


def test_files_of_roles_are_in_snake_case():
    snake_case = re.compile(r"[a-z][a-z0-9_]*(\.[a-z0-9]+)+")
    assert [path for path in (ROOT / "roles").rglob("*.*") if not snake_case.fullmatch(path.name)] == []


def test_only_platform_security_names_a_user():
    """So that a cluster that gives out users itself can have it all left out."""
    user = re.compile(r"\b(runAsUser|runAsGroup|fsGroup|supplementalGroups)\b")
    for path in (ROOT / "roles").rglob("*.*"):
        lines = path.read_text(encoding="utf-8").splitlines() if path.parent.name != "meta" else []
        assert [line for line in lines if user.search(line) and "platform_security" not in line] == [], path


def test_roles_are_documented():
    told = json.loads(run("ansible-doc", "-t", "role", "--json", *(f"greenlang.vcci.{role}" for role in ROLES)))
    assert [role for role in ROLES if not told[f"greenlang.vcci.{role}"]["entry_points"]] == []
    for role in ROLES:
        shown = told[f"greenlang.vcci.{role}"]["entry_points"]["main"]["options"]
        assert {name for name in read_by(role) if name.startswith("platform_")} <= shown.keys()


def test_every_layer_has_its_playbook_and_its_place_in_the_site():
    site = load(ROOT / "playbooks" / "site.yml")
    imported = [play["ansible.builtin.import_playbook"].removesuffix(".yml") for play in site[1:]]
    assert sorted(imported) == ROLES


# -- playbooks


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_playbook_has_a_runbook_and_a_line_in_the_readme(playbook):
    assert (ROOT / "docs" / "runbooks" / f"{playbook}.md").read_text(encoding="utf-8").startswith("# ")
    assert f"(docs/runbooks/{playbook}.md)" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_runbook_is_of_a_playbook():
    assert {path.stem for path in (ROOT / "docs" / "runbooks").glob("*.md")} - NOT_PLAYBOOKS == set(PLAYBOOKS)


CONNECTION, WRITE = "{{ cluster_connection }}", "{{ cluster_write }}"


def called(tasks: list[dict], role: str = "") -> set[str]:
    """The modules that these tasks call, and those of the roles and of the files of their role that they name."""
    found: set[str] = set()
    for task in tasks:
        found.update(name for name in task if name.count(".") == 2)
        for part in ("block", "rescue", "always"):
            found |= called(task.get(part, []), role)
        for word in ("include", "import"):
            file = task.get(f"ansible.builtin.{word}_tasks")
            if file and role:
                found |= called_by_role(role, file["file"] if isinstance(file, dict) else file)
            other = task.get(f"ansible.builtin.{word}_role")
            if other:
                found |= called_by_role(other["name"], other.get("tasks_from", "main") + ".yml")
    return found


def called_by_role(role: str, file: str) -> set[str]:
    return called(load(ROOT / "roles" / role.removeprefix("greenlang.vcci.") / "tasks" / file), role)


@pytest.mark.parametrize("playbook", sorted(set(PLAYBOOKS) - {"site", "cluster_remove"}))
def test_playbook_gives_defaults_to_what_it_calls_and_to_nothing_else(playbook):
    writing = {f"greenlang.vcci.{name}" for name in load(ROOT / "meta" / "runtime.yml")["action_groups"]["write"]}
    for play in load(ROOT / "playbooks" / f"{playbook}.yml"):
        modules = called(play.get("tasks", []))
        for role in play.get("roles", []):
            modules |= called_by_role(role["role"], "main.yml")
        wanted = {"group/greenlang.vcci.k8s": CONNECTION}
        if modules & writing:
            wanted["group/greenlang.vcci.write"] = WRITE
        if any(name.startswith("kubernetes.core.") for name in modules):
            wanted["group/kubernetes.core.k8s"] = CONNECTION
        assert play["module_defaults"] == wanted


def test_make_tells_where_the_kubeconfig_is():
    command = ["make", "--silent", "kubeconfig", "ARGS=-e cluster_local_name=told"]
    done = subprocess.run(command, cwd=ROOT, text=True, capture_output=True, check=True, timeout=PATIENCE)
    assert done.stdout == "/var/lib/greenlang-vcci/told/kubeconfig\n"


def anchors(page: Path) -> set[str]:
    """What a link may name of a page: its headings, as they are made into names."""
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in titles}


def test_links_in_the_documentation_lead_somewhere():
    broken = []
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]:
        for piece in page.read_text(encoding="utf-8").split("](")[1:]:
            link = piece.split(")")[0]
            target, _mark, anchor = link.partition("#")
            there = page.parent / target if target else page
            if "://" not in link and not (there.exists() and (not anchor or anchor in anchors(there))):
                broken.append(f"{page.relative_to(ROOT)}: {link}")
    assert broken == []


# -- plugins


def names(kind: str) -> list[str]:
    return sorted(path.stem for path in (ROOT / "plugins" / kind).glob("*.py") if path.stem != "__init__")


@pytest.mark.parametrize(
    ("kind", "directory"), [("module", "modules"), ("module", "action"), ("filter", "filter"), ("lookup", "lookup")]
)
def test_plugins_are_documented(kind, directory):
    wanted = [f"greenlang.vcci.{name}" for name in names(directory)]
    told = json.loads(run("ansible-doc", "-t", kind, "--json", *wanted))
    for name in wanted:
        assert told[name]["doc"]["short_description"], name
        assert told[name]["examples"], name
        assert told[name]["return"], name


def contract(options: Mapping[str, Mapping[str, Any]], inner: str) -> dict[str, dict[str, Any]]:
    """What a user may rely on of options, documented or as arguments; `inner` is where those of their parts are."""
    return {
        name: {
            "type": option.get("type", "str"),
            "required": option.get("required", False),
            "default": option.get("default"),
            "choices": list(option.get("choices") or []),
            "elements": option.get("elements"),
            "aliases": sorted(option.get("aliases") or []),
            "parts": contract(option.get(inner) or {}, inner),
        }
        for name, option in options.items()
    }


@pytest.fixture(scope="module")
def documented() -> dict[str, Any]:
    """What ansible-doc knows of every module, fragments included."""
    return json.loads(
        run("ansible-doc", "-t", "module", "--json", *(f"greenlang.vcci.{name}" for name in names("modules")))
    )


@pytest.mark.parametrize("name", names("action"))
def test_arguments_are_what_is_documented(name, documented):
    plugin = importlib.import_module(f"ansible_collections.greenlang.vcci.plugins.action.{name}").ActionModule
    given = contract(plugin.ARGUMENTS, "options")
    told = contract(documented[f"greenlang.vcci.{name}"]["doc"]["options"], "suboptions")
    for option in given.keys() & told.keys():
        if not given[option]["parts"]:  # read by a parser of its own, which says more of what is wrong
            told[option]["parts"] = {}
    assert given == told


def test_every_module_is_an_action_plugin():
    assert names("modules") == names("action")


def test_modules_that_talk_to_a_cluster_get_the_connection_of_the_play():
    talking = {
        name
        for name in names("modules")
        if "greenlang.vcci.connection" in (ROOT / "plugins" / "modules" / f"{name}.py").read_text(encoding="utf-8")
    }
    assert set(load(ROOT / "meta" / "runtime.yml")["action_groups"]["k8s"]) == talking


@pytest.mark.parametrize(("group", "variable"), [("k8s", "cluster_connection"), ("write", "cluster_write")])
def test_an_action_group_names_exactly_the_plugins_that_take_what_the_playbooks_give_it(group, variable, documented):
    given = load(ROOT / "group_vars" / "all" / "cluster.yml")[variable].keys()
    taking = {
        name for name in names("action") if given <= documented[f"greenlang.vcci.{name}"]["doc"]["options"].keys()
    }
    assert set(load(ROOT / "meta" / "runtime.yml")["action_groups"][group]) == taking


# -- which value wins


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_inventory_sets_values_where_they_win(environment):
    inventory = ROOT / "inventories" / environment
    assert sorted(path.name for path in inventory.iterdir()) == ["group_vars", "hosts.yml"]
    assert [path.name for path in (inventory / "group_vars").iterdir()] == [f"vcci_{environment}"]
    assert list(load(inventory / "hosts.yml")["all"]["children"]) == [f"vcci_{environment}"]


def test_environments_contain_only_what_differs():
    """What those on existing clusters say alike is in group_vars/all, but for what each must say, or open, itself."""
    told: dict[str, dict] = {}
    for environment in sorted(set(ENVIRONMENTS) - {"local"}):
        files = sorted((ROOT / "inventories" / environment / "group_vars" / f"vcci_{environment}").glob("*.yml"))
        told[environment] = {name: value for path in files for name, value in load(path).items()}
    [first, *others] = told.values()
    alike = {name for name, value in first.items() if all(name in other and other[name] == value for other in others)}
    assert alike == {"cluster_provider", "cluster_api_server_cidrs", "apps_egress"}


def test_playbooks_see_the_shared_values():
    link = ROOT / "playbooks" / "group_vars"
    assert link.is_symlink()
    assert link.readlink() == Path("../group_vars")
    assert [play["ansible.builtin.import_playbook"] for play in load(ROOT / "site.yml")] == ["playbooks/site.yml"]


@pytest.mark.parametrize("playbook", ["../site", *PLAYBOOKS])
def test_every_playbook_is_beside_the_shared_values(playbook):
    path = ROOT / "playbooks" / f"{playbook}.yml"
    assert path.exists()
    assert (path.parent / "group_vars").resolve() == ROOT / "group_vars"
    assert [entry.name for entry in (path.parent / "group_vars").iterdir()] == ["all"]


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """Our variables and inventories; a playbook tells what it sees, as a procedure and imported by site.yml."""
    root = tmp_path_factory.mktemp("project")
    for part in ("group_vars", "inventories"):
        shutil.copytree(ROOT / part, root / part)
    (root / "playbooks").mkdir()
    (root / "playbooks" / "group_vars").symlink_to((ROOT / "playbooks" / "group_vars").readlink())
    shared = {name for path in (ROOT / "group_vars" / "all").glob("*.yml") for name in load(path)}
    asked = sorted(shared | {"platform_environment", "of_the_inventory", "of_all"})
    seen = {name: f"{{{{ {name} | default('(undefined)') }}}}" for name in asked}
    (root / "group_vars" / "all" / "test.yml").write_text("of_the_inventory: all\nof_all: all\n", encoding="utf-8")
    for environment in ENVIRONMENTS:
        values = "of_the_inventory: inventory\n"
        folder = root / "inventories" / environment / "group_vars" / f"vcci_{environment}"
        (folder / "test.yml").write_text(values, encoding="utf-8")
    tell = {
        "name": "Tell",
        "ansible.builtin.copy": {"content": "{{ seen | to_json }}", "dest": "{{ told }}", "mode": "0600"},
    }
    play = [{"name": "Probe", "hosts": "platform", "gather_facts": False, "vars": {"seen": seen}, "tasks": [tell]}]
    (root / "playbooks" / "procedure.yml").write_text(yaml.safe_dump(play), encoding="utf-8")
    site = [{"ansible.builtin.import_playbook": "playbooks/procedure.yml"}]
    (root / "site.yml").write_text(yaml.safe_dump(site), encoding="utf-8")
    return root


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_same_values_from_the_site_and_from_a_procedure(environment, project):
    seen = {}
    for playbook in ("site.yml", "playbooks/procedure.yml"):
        told = project / f"{environment}-{Path(playbook).stem}.json"
        run("ansible-playbook", playbook, "-i", f"inventories/{environment}", "-e", f"told={told}", cwd=project)
        seen[playbook] = json.loads(told.read_text(encoding="utf-8"))
    assert seen["site.yml"] == seen["playbooks/procedure.yml"]
    values = seen["site.yml"]
    assert values["of_the_inventory"] == "inventory"
    assert values["of_all"] == "all"
    assert values["platform_environment"] == environment
    files = (ROOT / "inventories" / environment / "group_vars" / f"vcci_{environment}").glob("*.yml")
    own = {name: value for path in files for name, value in load(path).items() if "{{" not in str(value)}
    told = own.keys() & values.keys()
    assert {name: values[name] for name in told} == {name: own[name] for name in told}
    if environment == "local":
        subnet = ipaddress.IPv4Network(values["cluster_local_subnet"])
        layout = Layout("local", subnet, Path(values["cluster_local_state_dir"]), "real", ())
        assert values["cluster_api_server_peers"] == [{"ipBlock": {"cidr": f"{layout.api_address}/32"}}]
