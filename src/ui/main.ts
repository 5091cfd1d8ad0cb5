/** The page begins: the look, the lab over the worker's segment, and the components that show it. */
import { openLab } from './open-lab.ts'
import { tokens } from './look.ts'
import './page.ts'

if (tokens.styleSheet) document.adoptedStyleSheets = [tokens.styleSheet]
const page = document.createElement('lanlet-page')
page.lab = openLab()
document.body.append(page)
