"""The name servers of the hosted zones: a real DNS server on loopback that answers as Route 53 would.

`published` is what the servers hold: a change gets there when it is INSYNC. `answering` chooses among records by policy, health
and the client's place (`locations`), `wire` puts the answer into a message, `server` takes the packets. `questions` are the API's
own ways to ask (TestDNSAnswer) and the control endpoints.
"""
