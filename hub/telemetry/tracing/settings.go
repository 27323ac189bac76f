package tracing

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/caarlos0/env/v11"
)

// settings are OTLP's variables (https://opentelemetry.io/docs/specs/otel/protocol/exporter/).
type settings struct {
	Endpoint          string `env:"ENDPOINT"`
	Headers           string `env:"HEADERS"`
	TimeoutMillis     int    `env:"TIMEOUT" envDefault:"10000"`
	Compression       string `env:"COMPRESSION" envDefault:"none"`
	Protocol          string `env:"PROTOCOL" envDefault:"http/protobuf"`
	Certificate       string `env:"CERTIFICATE"`
	ClientCertificate string `env:"CLIENT_CERTIFICATE"`
	ClientKey         string `env:"CLIENT_KEY"`
}

// Each variable has a name for all signals and one for traces, which takes precedence.
const (
	forAll    = "OTEL_EXPORTER_OTLP_"
	forTraces = forAll + "TRACES_"
)

// wanted reports whether the environment enables traces, by an exporter or a collector.
func wanted(environment map[string]string) bool {
	if strings.EqualFold(environment["OTEL_SDK_DISABLED"], "true") {
		return false
	}
	named := environment["OTEL_TRACES_EXPORTER"] != ""
	collector := environment[forAll+"ENDPOINT"] != "" || environment[forTraces+"ENDPOINT"] != ""
	return named && environment["OTEL_TRACES_EXPORTER"] != "none" || !named && collector
}

// joins reports whether a request continues its caller's trace.
func joins(environment map[string]string) bool {
	return slices.Contains(strings.Split(cmp.Or(environment["OTEL_PROPAGATORS"], "tracecontext"), ","), "tracecontext")
}

// readSettings returns an error for unsupported settings.
func readSettings(environment map[string]string) (settings, error) {
	if exporter := environment["OTEL_TRACES_EXPORTER"]; exporter != "" && exporter != "otlp" {
		return settings{}, fmt.Errorf("OTEL_TRACES_EXPORTER is %s: only otlp and none are supported", exporter)
	}
	values := map[string]string{}
	for _, prefix := range []string{forAll, forTraces} {
		for name, value := range environment {
			if key, ok := strings.CutPrefix(name, prefix); ok && value != "" {
				values[key] = value
			}
		}
	}
	if environment[forTraces+"ENDPOINT"] == "" { // the endpoint for all signals is the base URL
		values["ENDPOINT"] = strings.TrimRight(cmp.Or(values["ENDPOINT"], "http://localhost:4318"), "/") + "/v1/traces"
	}
	s, err := env.ParseAsWithOptions[settings](env.Options{Environment: values})
	if err != nil {
		return s, fmt.Errorf("reading %s*: %w", forAll, err)
	}
	return s, s.validate()
}

func (s settings) validate() error {
	u, err := url.Parse(s.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("OTEL_EXPORTER_OTLP_ENDPOINT must be a URL such as http://collector:4318")
	case s.Protocol != "http/protobuf":
		return fmt.Errorf("OTEL_EXPORTER_OTLP_PROTOCOL is %s: only http/protobuf is supported", s.Protocol)
	case s.Compression != "none" && s.Compression != "gzip":
		return fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION is %s: only gzip and none are supported", s.Compression)
	}
	return nil
}

func (s settings) timeout() time.Duration { return time.Duration(s.TimeoutMillis) * time.Millisecond }

// headers reads "name=value,…", whose values may be percent-encoded.
func (s settings) headers() (map[string]string, error) {
	headers := map[string]string{}
	for pair := range strings.SplitSeq(s.Headers, ",") {
		name, value, ok := strings.Cut(pair, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		switch {
		case strings.TrimSpace(pair) == "":
			continue
		case !ok || err != nil: // do not quote the text, which contains credentials
			return nil, errors.New("OTEL_EXPORTER_OTLP_HEADERS must be comma-separated name=value pairs")
		}
		headers[strings.TrimSpace(name)] = decoded
	}
	return headers, nil
}
