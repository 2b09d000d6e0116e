"""Packaging: what is installed, which commands there are, and which storage drivers."""

from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

setup(
    name="metering",
    version="0.1.0",
    description="A metering API: exact usage quantities for clouds and billing systems",
    long_description=(HERE / "README.rst").read_text(encoding="utf-8"),
    license="Apache-2.0",
    python_requires=">=3.11,<3.13",
    packages=find_packages(include=["metering", "metering.*"]),
    package_data={"metering.storage.sqlite": ["schema.sql"]},
    install_requires=(HERE / "requirements.txt").read_text(encoding="utf-8").splitlines(),
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
    },
)
