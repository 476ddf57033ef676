/**
 * @module The page: a head, and the view that its address names.
 */
import { render } from "preact";
import { Waiting } from "./parts.js";
import { useRoute } from "./route.js";
import { Compare, Run } from "./run.js";
import { Runs } from "./runs.js";
import { Samples } from "./samples.js";
import { useShade } from "./shade.js";

function App() {
  const route = useRoute();
  const [shade, turn] = useShade();
  const views = {
    "": <Runs {...route} />,
    run: <Run {...route} shade={shade} />,
    compare: <Compare {...route} shade={shade} />,
    samples: <Samples {...route} />,
  };
  const known = Object.entries(views).find(([name]) => name === route.view);
  return (
    <div>
      <header>
        <a href="#/">sharegrpo</a>
        <button type="button" onClick={turn} aria-label={`change to ${shade === "dark" ? "light" : "dark"}`}>
          {shade === "dark" ? "☀" : "☾"}
        </button>
      </header>
      {known?.[1] ?? <Waiting problem="There is no such page." />}
    </div>
  );
}

render(<App />, document.body);
