// Installs and builds what is missing: for scripts that import the built package.
import { build, install } from "./prepare.mjs";

install();
build();
