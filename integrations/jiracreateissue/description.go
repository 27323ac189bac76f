package jiracreateissue

import (
	"net/url"
	"strings"
)

// wikiText is the description for version 2 of the API, which reads it as Jira's markup.
func wikiText(i issue) any {
	text := i.description
	if i.link != "" {
		text += "\nLooker URL: " + i.link
	}
	if text = strings.TrimSpace(text); text == "" {
		return nil
	}
	return text
}

// node is a part of a document in the Atlassian Document Format, which version 3 of the API
// wants (https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/).
type node struct {
	Type    string `json:"type"`
	Version int    `json:"version,omitempty"`
	Text    string `json:"text,omitempty"`
	Marks   []mark `json:"marks,omitempty"`
	Content []node `json:"content,omitempty"`
}

type mark struct {
	Type  string            `json:"type"`
	Attrs map[string]string `json:"attrs"`
}

// document is the description as plain paragraphs, in which nothing is markup: one for each
// run of lines, and the link to Looker in one of its own.
func document(i issue) any {
	doc := node{Type: "doc", Version: 1}
	var lines []node
	end := func() {
		if len(lines) > 0 {
			doc.Content = append(doc.Content, node{Type: "paragraph", Content: lines})
		}
		lines = nil
	}
	for line := range strings.Lines(i.description) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			end()
			continue
		}
		if len(lines) > 0 {
			lines = append(lines, node{Type: "hardBreak"})
		}
		lines = append(lines, node{Type: "text", Text: line})
	}
	end()
	if i.link != "" {
		lines = []node{{Type: "text", Text: "Looker URL: "}, linkTo(i.link)}
		end()
	}
	if len(doc.Content) == 0 {
		return nil
	}
	return doc
}

// linkTo is a text that leads to an address of the web, or just the text.
func linkTo(address string) node {
	text := node{Type: "text", Text: address}
	if u, err := url.Parse(address); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
		text.Marks = []mark{{Type: "link", Attrs: map[string]string{"href": address}}}
	}
	return text
}
