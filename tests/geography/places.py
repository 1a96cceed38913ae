"""Places of AWS's Regions: the airport by whose code each is called, looked up in `airportsdata` (MIT).

AWS says a city or a state, no coordinates; on a map of the world a city's airport is where the city is. Regions of partitions for
secrets (aws-iso*) have no place that is public, so none is drawn for them.
"""

from __future__ import annotations

import json
from importlib.resources import files

import airportsdata

AIRPORTS = {
    "af-south-1": "CPT",
    "ap-east-1": "HKG",
    "ap-east-2": "TPE",
    "ap-northeast-1": "NRT",
    "ap-northeast-2": "ICN",
    "ap-northeast-3": "KIX",
    "ap-south-1": "BOM",
    "ap-south-2": "HYD",
    "ap-southeast-1": "SIN",
    "ap-southeast-2": "SYD",
    "ap-southeast-3": "CGK",
    "ap-southeast-4": "MEL",
    "ap-southeast-5": "KUL",
    "ap-southeast-6": "AKL",
    "ap-southeast-7": "BKK",
    "ca-central-1": "YUL",
    "ca-west-1": "YYC",
    "cn-north-1": "PEK",
    "cn-northwest-1": "INC",
    "eu-central-1": "FRA",
    "eu-central-2": "ZRH",
    "eu-north-1": "ARN",
    "eu-south-1": "MXP",
    "eu-south-2": "ZAZ",
    "eu-west-1": "DUB",
    "eu-west-2": "LHR",
    "eu-west-3": "CDG",
    "eusc-de-east-1": "BER",
    "il-central-1": "TLV",
    "me-central-1": "DXB",
    "me-south-1": "BAH",
    "mx-central-1": "QRO",
    "sa-east-1": "GRU",
    "us-east-1": "IAD",
    "us-east-2": "CMH",
    "us-gov-east-1": "CMH",
    "us-gov-west-1": "PDX",
    "us-west-1": "SFO",
    "us-west-2": "PDX",
}
_OTHERWISE = {
    "ap-northeast-1": "Tokyo",
    "ca-central-1": "Montréal",
    "cn-northwest-1": "Ningxia",
    "eu-central-1": "Frankfurt",
    "eu-south-1": "Milan",
    "eu-south-2": "Spain",
    "eu-west-1": "Ireland",
    "eusc-de-east-1": "Brandenburg",
    "me-central-1": "UAE",
    "me-south-1": "Bahrain",
    "mx-central-1": "Querétaro",
    "sa-east-1": "São Paulo",
    "us-east-1": "N. Virginia",
    "us-east-2": "Ohio",
    "us-gov-east-1": "Ohio",
    "us-gov-west-1": "Oregon",
    "us-west-1": "N. California",
    "us-west-2": "Oregon",
}
"""What people call a Region where it is not the city of the airport."""


def made() -> str:
    """The table as it is committed."""
    airports = airportsdata.load("IATA")
    rows = {region: _place(region, airports[code]) for region, code in sorted(AIRPORTS.items())}
    lines = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row, ensure_ascii=False)}" for name, row in rows.items())
    return f"{{\n{lines}\n}}\n"


def _place(region: str, airport: airportsdata.Airport) -> list[object]:
    name = _OTHERWISE.get(region, airport["city"])
    return [name, round(airport["lat"], 2), round(airport["lon"], 2)]


PLACES = files("reconciler.report.html") / "places.json"
