# What crd-ref-docs renders of markers without a readable value: rules in CEL, which have their message in the description of
# the field, and the markers for optional fields and for any JSON.
s/ *(items:)?XValidation: \\\{[^|]*(\\\|[^|]*)*<nil>\\\} <br \/>//g
s/Optional: \\\{\\\} <br \/>/Optional/g
s/Schemaless: \\\{\\\} (<br \/>)?//g
s/ <br \/> \|$/ |/
# Types of other packages, which the page does not have. Those of an HTTPIntegration are described where people write them.
s|\[Spec\]\(#spec\)|[Spec](../hub/custom/README.md)|g
s/\[RawMessage\]\(#rawmessage\)/any JSON/g
