package main

import (
	"html"
	"regexp"
	"slices"
	"strings"
)

// linksIn returns the links in a text and in HTML, each once, in their order.
func linksIn(text, page string) []string {
	links := []string{}
	add := func(link string) {
		if !slices.Contains(links, link) {
			links = append(links, link)
		}
	}
	for _, link := range regexp.MustCompile(`https?://[^\s<>"]+`).FindAllString(text, -1) {
		add(strings.TrimRight(link, ".,;:!?)'")) // what ends the sentence is no part of it
	}
	for _, m := range regexp.MustCompile(`(?i)href\s*=\s*(?:"([^"]*)"|'([^']*)')`).FindAllStringSubmatch(page, -1) {
		link := html.UnescapeString(m[1] + m[2])
		if strings.HasPrefix(link, "http://") || strings.HasPrefix(link, "https://") {
			add(link)
		}
	}
	return links
}
