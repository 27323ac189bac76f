package action

import "log/slog"

// Secret is a secret string. It is formatted, logged and marshaled as "[redacted]".
type Secret string

const redacted = "[redacted]"

// Reveal returns the secret, for the code that sends it.
func (s Secret) Reveal() string { return string(s) }

func (Secret) String() string { return redacted }

// GoString implements [fmt.GoStringer].
func (Secret) GoString() string { return redacted }

// LogValue implements [slog.LogValuer].
func (Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// MarshalText implements [encoding.TextMarshaler].
func (Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }
