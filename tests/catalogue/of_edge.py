"""What is done by hand at the edge (rows 23 to 26)."""

from __future__ import annotations

from typing import Any

from tests.catalogue.hand import Hand


def widens_the_price_class(hand: Hand) -> None:
    hand.distribution(lambda config: config.update(PriceClass="PriceClass_All"))


def lets_old_tls_in(hand: Hand) -> None:
    hand.distribution(lambda config: config["ViewerCertificate"].update(MinimumProtocolVersion="TLSv1.1_2016"))


def caches_an_error(hand: Hand) -> None:
    def cache(config: dict[str, Any]) -> None:
        (found,) = (e for e in config["CustomErrorResponses"]["Items"] if e["ErrorCode"] == 404)
        found["ErrorCachingMinTTL"] = 300

    hand.distribution(cache)


def lets_plain_http_through(hand: Hand) -> None:
    hand.distribution(lambda config: config["DefaultCacheBehavior"].update(ViewerProtocolPolicy="allow-all"))


def associates_another_version(hand: Hand) -> None:
    client, router = hand.client("lambda"), hand.made("edge", "Router")
    client.update_function_configuration(FunctionName=router, Description="trying something")
    settled = lambda: client.get_function_configuration(FunctionName=router)["LastUpdateStatus"]  # noqa: E731
    hand.until(lambda: settled() == "Successful")
    other = client.publish_version(FunctionName=router)["FunctionArn"]
    hand.until(lambda: client.get_function_configuration(FunctionName=other)["State"] == "Active")

    def associate(config: dict[str, Any]) -> None:
        for item in config["DefaultCacheBehavior"]["LambdaFunctionAssociations"]["Items"]:
            item["LambdaFunctionARN"] = other

    hand.distribution(associate)


def disables_the_distribution(hand: Hand) -> None:
    hand.distribution(lambda config: config.update(Enabled=False))


def takes_the_alias_off(hand: Hand) -> None:
    hand.distribution(lambda config: config.update(Aliases={"Quantity": 0, "Items": []}))


def weakens_the_headers(hand: Hand) -> None:
    """For a second, browsers insist on HTTPS; then no more."""
    client, id_ = hand.client("cloudfront"), hand.made("edge", "Headers")
    answer = client.get_response_headers_policy(Id=id_)
    config = answer["ResponseHeadersPolicy"]["ResponseHeadersPolicyConfig"]
    config["SecurityHeadersConfig"]["StrictTransportSecurity"]["AccessControlMaxAgeSec"] = 1
    client.update_response_headers_policy(Id=id_, IfMatch=answer["ETag"], ResponseHeadersPolicyConfig=config)
