// Package adf writes documents in the Atlassian Document Format, which version 3 of Jira's REST API
// requires: https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
package adf

import (
	"net/url"
	"strings"
)

// Node is a part of a document.
type Node struct {
	Type    string `json:"type"`
	Version int    `json:"version,omitempty"`
	Text    string `json:"text,omitempty"`
	Marks   []Mark `json:"marks,omitempty"`
	Content []Node `json:"content,omitempty"`
}

// Mark is the format of a text.
type Mark struct {
	Type  string            `json:"type"`
	Attrs map[string]string `json:"attrs"`
}

// Text is a text without a format.
func Text(text string) Node { return Node{Type: "text", Text: text} }

// Link is a text that links to itself if it is an http or https URL.
func Link(address string) Node {
	text := Text(address)
	if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		text.Marks = []Mark{{Type: "link", Attrs: map[string]string{"href": address}}}
	}
	return text
}

// Document is a document of paragraphs.
func Document(paragraphs ...Node) Node { return Node{Type: "doc", Version: 1, Content: paragraphs} }

// Paragraph is a paragraph of texts.
func Paragraph(texts ...Node) Node { return Node{Type: "paragraph", Content: texts} }

// Paragraphs converts plain text. An empty line ends a paragraph, and other lines end with a hard break.
func Paragraphs(text string) []Node {
	var all, lines []Node
	end := func() {
		if len(lines) > 0 {
			all = append(all, Paragraph(lines...))
		}
		lines = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			end()
			continue
		}
		if len(lines) > 0 {
			lines = append(lines, Node{Type: "hardBreak"})
		}
		lines = append(lines, Text(line))
	}
	end()
	return all
}
