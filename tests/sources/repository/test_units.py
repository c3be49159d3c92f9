"""What belongs together."""

from __future__ import annotations

from collections.abc import Mapping

from scanner.sources.repository.contents import DiskContents
from scanner.sources.repository.find import FileGap, find
from scanner.sources.repository.units import (
    Sorted,
    UnitSpec,
    left_over,
    sort_files,
    stray_parameters,
    units_of,
)
from tests.sources.repository.conftest import Work

TEMPLATE = """{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#",
 "contentVersion": "1.0.0.0", "resources": []}"""
COMPILED = TEMPLATE.replace(
    '"resources"',
    '"metadata": {"_generator": {"name": "bicep", "version": "0.30.3", "templateHash": "1"}}, "resources"',
)
PARAMETERS = """{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#",
 "contentVersion": "1.0.0.0", "parameters": {}}"""
PLAN = '{"format_version": "1.2", "terraform_version": "1.9.0", "planned_values": {}}'


def sort(work: Work, files: Mapping[str, str | bytes]) -> Sorted:
    work.write(files)
    found = find([work.root])
    return sort_files(found, DiskContents(found.root, found.by_folder()))


def test_root_modules_are_folders_that_no_other_calls(work: Work) -> None:
    by = sort(
        work,
        {
            "main.tf": 'module "net" {\n  source = "./modules/net"\n}\n',
            "modules/net/main.tf": 'module "deep" {\n  source     = "../deep"\n}\n',
            "modules/deep/main.tf": "",
            "modules/unused/main.tf": "",
            "prod/main.tf.json": '{"module": {"net": {\n "source": "../modules/net"}}}',
            "prod/prod.tfvars": "",
            "only/values.tfvars": "",
            "blob/main.tf": 'resource "azurerm_storage_blob" "b" {\n  source = "../only"\n}\n',
        },
    )
    assert units_of(by) == [
        UnitSpec("terraform", "."),
        UnitSpec("terraform", "blob"),
        UnitSpec("terraform", "modules/unused"),
        UnitSpec("terraform", "prod"),
    ]


def test_templates_are_read_with_each_of_their_parameter_files(work: Work) -> None:
    by = sort(
        work,
        {
            "main.bicep": "module a 'modules/a.bicep' = {}\n  module j 'modules/j.json' = {}\n// module b 'b.bicep'\n",
            "modules/a.bicep": "",
            "modules/j.json": TEMPLATE,
            "b.bicep": "",
            "dev.bicepparam": "using 'main.bicep'\n",
            "prod.bicepparam": "using './main.bicep'\n",
            "arm/azuredeploy.json": TEMPLATE,
            "arm/azuredeploy-more.json": TEMPLATE,
            "arm/azuredeploy.parameters.json": PARAMETERS,
            "arm/azuredeploy-more.parameters.json": PARAMETERS,
            "one/template.json": TEMPLATE,
            "one/parameters/production.json": PARAMETERS,
            "stray.json": PARAMETERS,
            "package.json": '{"name": "x"}',
            "plan.json": PLAN,
        },
    )
    assert units_of(by) == [
        UnitSpec("arm", "arm/azuredeploy-more.json", "arm/azuredeploy-more.parameters.json"),
        UnitSpec("arm", "arm/azuredeploy.json", "arm/azuredeploy.parameters.json"),
        UnitSpec("bicep", "b.bicep"),
        UnitSpec("bicep", "main.bicep", "dev.bicepparam"),
        UnitSpec("bicep", "main.bicep", "prod.bicepparam"),
        UnitSpec("arm", "one/template.json", "one/parameters/production.json"),
        UnitSpec("plan", "plan.json"),
    ]
    assert stray_parameters(by) == ["stray.json"]


def test_a_byte_order_mark_hides_no_first_line(work: Work) -> None:
    by = sort(
        work,
        {
            "main.bicep": "\ufeffmodule a 'a.bicep' = {\n  name: 'a'\n}\n",
            "a.bicep": "",
            "dev.bicepparam": "\ufeffusing 'main.bicep'\n",
        },
    )
    assert units_of(by) == [UnitSpec("bicep", "main.bicep", "dev.bicepparam")]
    assert stray_parameters(by) == []


def test_a_template_with_parameters_of_its_own_is_deployed_though_others_use_it(work: Work) -> None:
    by = sort(
        work,
        {
            "main.bicep": "module a 'a.bicep' = {}\n",
            "a.bicep": "",
            "a.bicepparam": "using 'a.bicep'\n",
        },
    )
    assert units_of(by) == [UnitSpec("bicep", "a.bicep", "a.bicepparam"), UnitSpec("bicep", "main.bicep")]


def test_linked_templates_are_read_with_what_links_to_them(work: Work) -> None:
    linking = TEMPLATE.replace(
        "[]",
        '[{"type": "Microsoft.Resources/deployments", "properties": {"templateLink": '
        "{\"uri\": \"[concat(variables('base'), 'nested/inner.json')]\"}}}]",
    )
    by = sort(work, {"main.json": linking, "nested/inner.json": TEMPLATE, "nested/other.json": TEMPLATE})
    assert units_of(by) == [UnitSpec("arm", "main.json"), UnitSpec("arm", "nested/other.json")]


def test_what_bicep_compiled_is_not_read_beside_its_source(work: Work) -> None:
    by = sort(
        work,
        {
            "main.bicep": "",
            "main.json": COMPILED,
            "azuredeploy.json": COMPILED,
            "alone/main.json": COMPILED,
            "written/main.bicep": "",
            "written/main.json": TEMPLATE,
        },
    )
    assert by.generated == {"azuredeploy.json": "main.bicep", "main.json": "main.bicep"}
    assert units_of(by) == [
        UnitSpec("arm", "alone/main.json"),
        UnitSpec("bicep", "main.bicep"),
        UnitSpec("bicep", "written/main.bicep"),
        UnitSpec("arm", "written/main.json"),
    ]


def test_files_that_use_each_other_in_a_circle_are_read_too(work: Work) -> None:
    by = sort(
        work,
        {
            "a.bicep": "module b 'b.bicep' = {}\n",
            "b.bicep": "module a 'a.bicep' = {}\n",
            "x/main.tf": 'module "y" {\n source = "../y"\n}',
            "y/main.tf": 'module "x" {\n source = "../x"\n}',
        },
    )
    assert units_of(by) == []
    seen: set[str] = set()
    taken = []
    for spec in left_over(by, seen):
        taken.append(spec)
        # What reading it would see: the circle as a whole.
        seen |= {"x/main.tf", "y/main.tf"} if spec.kind == "terraform" else {"a.bicep", "b.bicep"}
    assert taken == [UnitSpec("terraform", "x", called=True), UnitSpec("bicep", "a.bicep")]


def test_binary_files_are_gaps(work: Work) -> None:
    by = sort(
        work,
        {
            "main.tf": b"resource \0\1\2",
            "picture.bicep": b"\x89PNG\r\n\x1a\n\0\0\0",
            "wide.json": TEMPLATE.encode("utf-16"),
            "data.json": b"[1]",
        },
    )
    assert by.gaps == [
        FileGap("main.tf", "malformed", "The file is binary, not text."),
        FileGap("picture.bicep", "malformed", "The file is binary, not text."),
        FileGap("wide.json", "malformed", "The file is UTF-16; Midas reads UTF-8."),
    ]
    assert units_of(by) == []


def test_a_module_tells_of_its_binary_files_itself(work: Work) -> None:
    files = {"a/main.tf": "", "a/terraform.tfvars": b"x\0", "a/wide.tf": b"\xff\xfea\0", "b/x.tfvars": b"x\0"}
    by = sort(work, files)
    assert by.gaps == [FileGap("b/x.tfvars", "malformed", "The file is binary, not text.")]


def test_linked_copies_of_a_template_are_read_once(work: Work) -> None:
    work.write({"a/main.bicep": "", "a/variables.tf": "", "b/main.tf": ""})
    (work.root / "b" / "copy.bicep").symlink_to("../a/main.bicep")
    (work.root / "b" / "variables.tf").symlink_to("../a/variables.tf")
    by = sort(work, {})
    assert by.bicep == ["a/main.bicep"]
    assert by.terraform == {"a": ["variables.tf"], "b": ["main.tf", "variables.tf"]}
