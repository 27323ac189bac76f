# What crd-ref-docs renders of markers without a readable value: rules in CEL, which have their message in the description of
# the field, and the marker for optional fields.
s/ *(items:)?XValidation: \\\{[^|]*(\\\|[^|]*)*<nil>\\\} <br \/>//g
s/Optional: \\\{\\\} <br \/>/Optional/g
s/ <br \/> \|$/ |/
# The types of an HTTPIntegration are described where people write them.
s|\[Spec\]\(#spec\)|[Spec](../hub/custom/README.md)|g
