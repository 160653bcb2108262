# SPDX-License-Identifier: GPL-2.0-or-later
"""kut: builds hypervisor-level arm64 tests, boots them in QEMU, and gives the verdict.

The modules are stations in the order in which data flows; each imports only earlier ones::

    errors -> status -> config -> trees -> scaffold -> shellish -> keywords -> plan
           -> shards -> rootless -> flat -> toolchain -> build -> sentry -> changes
           -> archive -> unittests -> machine -> capture -> remote -> postmortem -> usage
           -> patience -> boot -> signals -> pool -> keyboard -> resources -> times -> order
           -> lines -> events -> sysregs -> syndrome -> diagnosis -> symbols -> dump
           -> results -> record -> view -> standing -> explain -> session -> document
           -> saved_log -> store -> rerun -> compare -> history -> merge -> spread -> helpers
           -> debugger -> debug
           -> tty -> views -> watch -> bench -> distribution -> remedy -> probe -> doctor
           -> commands -> pytest_plugin -> cli -> __main__
"""

__version__ = "0.1.0"
