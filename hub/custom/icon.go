package custom

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"image/png"
	"io"
	"slices"
	"strings"

	"integrationhub.dev/hub/action"
)

// svgElements are what a picture is drawn with. Scripts, styles, animations and foreign content are not.
var svgElements = []string{
	"svg", "g", "path", "rect", "circle", "ellipse", "line", "polyline", "polygon", "text", "tspan", "title", "desc", "defs",
	"linearGradient", "radialGradient", "stop", "clipPath", "mask", "symbol", "use",
}

// checkSVG checks that a document is a picture without active content and without references to elsewhere.
func checkSVG(text string) error {
	d := xml.NewDecoder(strings.NewReader(text))
	elements := 0
	for {
		token, err := d.Token()
		switch {
		case errors.Is(err, io.EOF) && elements > 0:
			return nil
		case err != nil:
			return action.Errorf(action.Invalid, "The icon is not a valid SVG document.")
		}
		switch t := token.(type) {
		case xml.Directive:
			return action.Errorf(action.Invalid, "The icon must not contain a document type.")
		case xml.StartElement:
			if elements++; elements == 1 && t.Name.Local != "svg" || !slices.Contains(svgElements, t.Name.Local) {
				return action.Errorf(action.Invalid, "The icon contains the element %s, which is not allowed.", t.Name.Local)
			}
			for _, a := range t.Attr {
				if err := checkAttribute(a); err != nil {
					return err
				}
			}
		}
	}
}

func checkAttribute(a xml.Attr) error {
	name, value := strings.ToLower(a.Name.Local), strings.ToLower(strings.TrimSpace(a.Value))
	switch {
	case strings.HasPrefix(name, "on"), name == "style", name == "href" && !strings.HasPrefix(value, "#"):
		return action.Errorf(action.Invalid, "The icon contains the attribute %s, which is not allowed.", a.Name.Local)
	case strings.Contains(strings.ReplaceAll(value, "url(#", ""), "url("):
		return action.Errorf(action.Invalid, "The icon must not refer to other documents.")
	}
	return nil
}

// maxPixels is the maximum width and height of a PNG.
const maxPixels = 512

func checkPNG(text string) error {
	data, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return action.Errorf(action.Invalid, "The icon must be base64-encoded.")
	}
	c, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return action.Errorf(action.Invalid, "The icon is not a valid PNG.")
	}
	if c.Width > maxPixels || c.Height > maxPixels {
		return action.Errorf(action.Invalid, "The icon must have at most 512 by 512 pixels.")
	}
	return nil
}
