package lint

import (
	"path"
	"strings"
)

// language says how comments look and what a reference to an issuer looks like.
type language string

const (
	terraform     language = "terraform"
	tfvars        language = "tfvars"
	terraformJSON language = "terraform-json"
	bicep         language = "bicep"
	yamlText      language = "yaml"
	jsonText      language = "json"
	markdown      language = "markdown"
	shell         language = "shell"
	powerShell    language = "powershell"
)

// languageOf tells the language from the file's name; ok is false for files that are not scanned.
func languageOf(file string) (language, bool) {
	name := strings.ToLower(path.Base(file))
	for _, s := range []struct {
		suffix string
		lang   language
	}{
		{".tf.json", terraformJSON}, {".tfvars.json", terraformJSON}, {".tofu.json", terraformJSON},
		{".tf", terraform}, {".tofu", terraform}, {".hcl", terraform}, {".tfvars", tfvars},
		{".bicep", bicep}, {".bicepparam", bicep},
		{".yaml", yamlText}, {".yml", yamlText}, {".json", jsonText}, {".jsonc", jsonText},
		{".md", markdown}, {".markdown", markdown}, {".mdx", markdown}, {".txt", markdown}, {".adoc", markdown}, {".rst", markdown},
		{".sh", shell}, {".bash", shell}, {".zsh", shell}, {".envrc", shell}, {".env", shell},
		{".ps1", powerShell}, {".psm1", powerShell},
		{".tpl", markdown}, {".tmpl", markdown}, {".gotmpl", markdown}, {".tftpl", markdown}, // of any language: nothing is a comment
	} {
		if strings.HasSuffix(name, s.suffix) {
			return s.lang, true
		}
	}
	switch name {
	case "makefile", "gnumakefile", "justfile":
		return shell, true
	}
	return "", false
}
