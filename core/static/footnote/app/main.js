/* Everything listens on the document, so parts of the page may come and go. */
import * as notes from "./notes.js";
import * as composer from "./composer.js";
import * as history from "./history.js";
import * as tools from "./tools.js";
import * as versions from "./versions.js";
import * as keys from "./keys.js";
import * as reading from "./reading.js";
import { $ } from "./page.js";

for (const part of [notes, composer, history, tools, versions, keys, reading]) part.start();
composer.arrive();
notes.placeNotes();
reading.takeUp();
$("[data-focus]")?.focus();
