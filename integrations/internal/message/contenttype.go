package message

import (
	"cmp"
	"strings"

	"integrationhub.dev/hub/action"
)

// contentTypes maps Looker's formats and other file extensions to content types. Data at a
// download URL comes without a type.
var contentTypes = map[string]string{
	string(action.Txt): "text/plain", string(action.CSV): "text/csv", string(action.HTML): "text/html",
	string(action.JSON): asJSON, string(action.InlineJSON): asJSON, string(action.JSONBI): asJSON,
	string(action.JSONLabel): asJSON, string(action.JSONDetail): asJSON, string(action.JSONDetailLiteStream): asJSON,
	string(action.XLSX):   "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	string(action.CSVZip): "application/zip", "zip": "application/zip",
	string(action.WysiwygPDF): "application/pdf", string(action.AssembledPDF): "application/pdf", "pdf": "application/pdf",
	string(action.WysiwygPNG): "image/png", "png": "image/png",
}

const asJSON = "application/json"

// ContentType is like [MediaType], but falls back to the data's format or file extension.
func ContentType(req *action.Request) string {
	if t := MediaType(req.Data); t != unknown {
		return t
	}
	return cmp.Or(contentTypes[req.Form["format"]], contentTypes[strings.ToLower(req.Data.Extension())], unknown)
}
